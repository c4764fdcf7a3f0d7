// The subcommands. Each declares its options on the program's command line and runs when it was chosen.
#pragma once

#include <CLI/CLI.hpp>

#include "base/error.hpp"

namespace charrnn {

/// Commands that run on all ranks leave their exit code in `outcome`; the others throw or are done.
void add_train_command(CLI::App& app, ExitCode& outcome);
void add_lr_find_command(CLI::App& app, ExitCode& outcome);
void add_bench_command(CLI::App& app, ExitCode& outcome);
void add_eval_command(CLI::App& app, ExitCode& outcome);
void add_sample_command(CLI::App& app);
void add_inspect_command(CLI::App& app);

}  // namespace charrnn
