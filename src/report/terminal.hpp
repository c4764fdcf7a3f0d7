// What standard output is connected to in the end.
#pragma once

namespace charrnn {

/// True if a person's terminal shows what this process prints. mpirun gives every rank a pseudo-terminal
/// whatever its own output is, so under mpirun the question goes to the output of mpirun itself.
bool output_is_terminal();

/// Whether a line there can be cleared and written again: a terminal that is not dumb (TERM).
bool output_redraws();

/// Columns of the terminal; 80 where it doesn't say.
int terminal_width();

}  // namespace charrnn
