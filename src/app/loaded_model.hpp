// A model out of a checkpoint, for the commands that only use it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/store.hpp"
#include "config/run_config.hpp"
#include "data/vocabulary.hpp"
#include "models/registry.hpp"

namespace charrnn {

struct LoadedModel {
  std::string path;  ///< of the file
  Checkpoint checkpoint;
  RunConfig config;
  Vocabulary vocabulary;
  std::unique_ptr<LanguageModel> model;
};

/// `path` is a checkpoint or a run's folder. DataError if it cannot be used. compute.team must outlive it.
LoadedModel load_model(const std::string& path, const Compute& compute, const Warn& warn);

/// Models that can predict together. DataError for models with different vocabularies or windows.
std::vector<LoadedModel> load_ensemble(const std::vector<std::string>& paths, const Compute& compute,
                                       const Warn& warn);

/// The config that a checkpoint carries. Options that this program does not know are ignored; `note` hears of each.
RunConfig config_of(const Checkpoint& checkpoint, const std::string& path, const Warn& note = {});

}  // namespace charrnn
