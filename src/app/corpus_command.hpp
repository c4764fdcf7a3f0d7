// The subcommand `corpus`: writes a text whose entropy is known, to try a model against the best possible
// loss.
#pragma once

#include <CLI/CLI.hpp>

namespace charrnn {

/// Adds `corpus` with its options and help to `app`. Its callback, run by app.parse(), writes the file and
/// prints the numbers on standard output. UsageError if the file cannot be written; CLI::ParseError for a
/// number out of range.
void add_corpus_command(CLI::App& app);

}  // namespace charrnn
