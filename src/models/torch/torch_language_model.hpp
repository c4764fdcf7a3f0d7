// Language models on LibTorch: ATen's operations and autograd, on the CPU or a GPU.
#pragma once

#include <memory>

#include "models/language_model.hpp"
#include "models/precision.hpp"

namespace charrnn {

class TorchLayer;
struct TorchLayerOptions;

/// `make_layer`: torch_layer of the model's CellSpec, or another one with the same parameters. Precision::kBf16 is for
/// stacked layers on GPUs: inside a window they and the output layer compute in bf16 (PyTorch's autocast).
std::unique_ptr<LanguageModel> make_torch_language_model(
    const ModelConfig& config, std::int64_t vocabulary_size,
    std::unique_ptr<TorchLayer> (*make_layer)(const TorchLayerOptions& options), Precision precision, Device device);

}  // namespace charrnn
