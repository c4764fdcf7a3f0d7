// The notebook's runs as data: what it printed, to hold our own runs against.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace charrnn {

/// One training run of the notebook. Losses in nats per character, one an epoch.
struct Experiment {
  std::string name;                                       ///< its config is <name>.toml in the same folder
  std::string title;                                      ///< what it shows
  bool by_name_only = false;                              ///< too long to be run with all the others
  std::vector<double> train;                              ///< running means (0.98), as fast.ai prints them
  std::vector<double> validation;                         ///< empty: it has no validation part
  std::vector<std::pair<std::string, std::string>> next;  ///< prime, and the next character that it printed
  std::string prime;                                      ///< to write from, greedily and drawn by chance
};

/// Reads experiments.json. DataError for a file that is not one.
std::vector<Experiment> read_experiments(const std::filesystem::path& file);

}  // namespace charrnn
