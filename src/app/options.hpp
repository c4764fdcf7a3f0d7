// The options of `train`: one table from which the command line, the TOML reader and the TOML writer all
// follow.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "train/run_config.hpp"

namespace charrnn {

/// Declares every option on `app`; the parser writes into `target`.
void declare_options(CLI::App& app, RunConfig& target);

/// Copies those options that the command line gave (declared by declare_options) from `parsed` to `target`.
void copy_given_options(const CLI::App& app, const RunConfig& parsed, RunConfig& target);

/// Reads a config into `target`, on top of what is there. `source` names it in errors. UsageError with line
/// and column for text that is not TOML, a key that does not exist (with the nearest that does) or a wrong
/// type.
void read_config(const std::string& toml, const std::string& source, RunConfig& target);

/// The whole config as TOML that read_config gives back.
std::string write_config(const RunConfig& config);

/// Names of the options ("table.key") in which two configs differ, with both values, among those of `table`.
std::string differences(const RunConfig& a, const RunConfig& b, const std::string& table);

}  // namespace charrnn
