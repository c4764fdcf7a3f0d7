// Stacked RNN, GRU and LSTM on LibTorch: ATen's layers and autograd, on the CPU or a GPU.
#pragma once

#include <memory>

#include "models/language_model.hpp"
#include "models/recurrent_cell.hpp"

namespace charrnn {

std::unique_ptr<LanguageModel> make_torch_language_model(const ModelConfig& config, Cell cell,
                                                         std::int64_t vocabulary_size, ParameterLayout layout,
                                                         Device device);

}  // namespace charrnn
