// The models by name.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/language_model.hpp"

namespace charrnn {

/// Names that ModelConfig::model may have.
std::vector<std::string> model_names();

/// Parameters of a model, without building it. UsageError for an unknown name or sizes out of range.
ParameterLayout parameter_layout(const ModelConfig& config, std::int64_t vocabulary_size);

/// A model with parameters of zero; give it some by load_parameters().
std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                          Device device);

}  // namespace charrnn
