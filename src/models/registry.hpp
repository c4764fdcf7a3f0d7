// Models: an embedding, layers of one cell (models/cells.hpp), and an output layer, on one of the engines
// (models/engine.hpp).
#pragma once

#include <memory>
#include <vector>

#include "models/cells.hpp"
#include "models/engine.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// Parameters of a model, without building it. ConfigError for an unknown name or sizes out of range.
ParameterLayout parameter_layout(const ModelConfig& config, std::int64_t vocabulary_size);

/// What a model carries from window to window.
std::vector<StateSpec> state_specs(const ModelConfig& config);

/// A model with parameters of zero, by the engine that find_engine() gives. compute.team must outlive it.
std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                          const Compute& compute);

}  // namespace charrnn
