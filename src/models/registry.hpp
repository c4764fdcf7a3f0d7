// The models by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/engine.hpp"
#include "models/language_model.hpp"
#include "models/model_kind.hpp"

namespace charrnn {

/// Names that ModelConfig::model may have, those of the notebook (fast.ai, lesson 6) last.
std::vector<std::string> model_names();

/// What a name stands for; a notebook's name gives the kind that it is. UsageError for an unknown one.
const ModelKind& model_kind(const std::string& name);

/// Parameters of a model, without building it. UsageError for an unknown name or sizes out of range.
ParameterLayout parameter_layout(const ModelConfig& config, std::int64_t vocabulary_size);

/// What a model carries from window to window.
std::vector<StateSpec> state_specs(const ModelConfig& config, const ModelKind& kind);

/// A model with parameters of zero, by the engine that find_engine() gives. compute.team must outlive it.
std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                          const Compute& compute);

}  // namespace charrnn
