// The program's command line as a whole.
#pragma once

#include "app/help.hpp"

namespace charrnn {

/// Runs the command that the words name, or helps. Errors become a line on standard error, from one rank, and the exit
/// code.
ExitCode run_program(Commands& commands, const Strings& words);

}  // namespace charrnn
