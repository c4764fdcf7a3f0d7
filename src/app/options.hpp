// The options of `train`: one table from which the command line, the TOML reader and the TOML writer all
// follow.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "train/run_config.hpp"

namespace charrnn {

/// Where a config comes from: a file, and the options of a command, which win over it.
class ConfigSources {
 public:
  /// Declares --config and every option on `command`, but for one that the command has under its name.
  void declare(CLI::App& command, const std::string& without = "");
  /// Puts what was given on top of `config`. UsageError for a file that cannot be read.
  void apply(RunConfig& config) const;

 private:
  const CLI::App* command_ = nullptr;
  std::string file_, without_;
  mutable std::optional<std::string> text_;  ///< of the file, which may be a pipe: it is read once
  RunConfig options_;                        ///< as the command line gave them
};

/// Reads a config into `target`, on top of what is there. `source` names it in errors. UsageError with line
/// and column for text that is not TOML, a key that does not exist (with the nearest that does) or a wrong
/// type.
void read_config(const std::string& toml, const std::string& source, RunConfig& target);

/// The whole config as TOML that read_config gives back.
std::string write_config(const RunConfig& config);

/// Names of the options ("table.key") in which two configs differ, with both values, among those of `table`.
std::string differences(const RunConfig& a, const RunConfig& b, const std::string& table);

}  // namespace charrnn
