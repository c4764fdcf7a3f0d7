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
  std::string path;       ///< of the file
  Checkpoint checkpoint;  ///< its parts but for the weights
  ModelSettings settings;
  Vocabulary vocabulary;
  std::unique_ptr<LanguageModel> model;
};

/// `file` is a checkpoint that resolve_checkpoint() gave. DataError if it cannot be used. compute.team must outlive it.
LoadedModel load_model(const std::string& file, const Compute& compute, Parts parts = Parts::kModel);

/// Models that can predict together. DataError for models with different vocabularies or windows.
std::vector<LoadedModel> load_ensemble(const std::vector<std::string>& files, const Compute& compute,
                                       Parts parts = Parts::kModel);

/// The config that a checkpoint carries; of `path`, which errors name. Options that this program does not know are
/// ignored; `note` hears of each.
RunConfig config_of(const Checkpoint& checkpoint, const std::string& path, const Warn& note = {});

}  // namespace charrnn
