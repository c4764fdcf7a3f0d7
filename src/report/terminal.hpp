// What a standard stream is connected to in the end.
#pragma once

#include <cstdio>

namespace charrnn {

/// Whether a line that this process prints can be cleared and written again: a person's terminal shows it, and that is
/// not dumb (TERM). mpirun gives every rank a pseudo-terminal whatever its own output is, so under mpirun the question
/// goes to the same stream of mpirun itself.
bool can_redraw(std::FILE* stream);

/// Columns of the terminal; 80 where it doesn't say.
int terminal_width(std::FILE* stream = stdout);

}  // namespace charrnn
