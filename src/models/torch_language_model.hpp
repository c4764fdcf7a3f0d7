// Language models on LibTorch: ATen's operations and autograd, on the CPU or a GPU.
#pragma once

#include <memory>

#include "models/language_model.hpp"
#include "models/model_kind.hpp"

namespace charrnn {

std::unique_ptr<LanguageModel> make_torch_language_model(const ModelConfig& config, const ModelKind& kind,
                                                         std::int64_t vocabulary_size, ParameterLayout layout,
                                                         Device device);

}  // namespace charrnn
