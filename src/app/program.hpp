// The program: its commands, one source file each, and the way into them.
#pragma once

#include "app/help.hpp"

namespace charrnn {

Command train_command();
Command lr_find_command();
Command sample_command();
Command eval_command();
Command score_command();
Command bench_command();
Command inspect_command();
Command export_command();
Command serve_command();
Command doctor_command();

/// All of these, in the order of help.
Commands all_commands();

/// The versions of the program and its libraries, and the engines, a line each.
std::string version_text();
/// "Open MPI v4.1.4".
std::string mpi_version();

/// Runs the command that the words name, or helps. Errors become a line on standard error, from one rank, and the exit
/// code.
ExitCode run_program(const Strings& words);

}  // namespace charrnn
