// One recurrent layer of LibTorch's engine.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/device.hpp"
#include "config/model_config.hpp"
#include "models/precision.hpp"

namespace at {
class Tensor;
}

namespace charrnn {

struct TorchLayerOptions {
  const ModelConfig& model;
  std::int64_t layer;  ///< its number
  Device device;
  Precision precision;
};

class TorchLayer {
 public:
  virtual ~TorchLayer() = default;
  TorchLayer(const TorchLayer&) = delete;
  TorchLayer& operator=(const TorchLayer&) = delete;

  /// The parameters, in the order of CellSpec::parameters, have other values from now on. A layer that keeps something
  /// derived from them renews it here, in the same memory: GPUs replay recorded steps.
  virtual void weights_changed(std::span<const at::Tensor> /*weights*/) {}

  /// x [length, columns, inputs] to the outputs [length, columns, hidden], with autograd. `weights` are the parameters
  /// with dropout applied; `states` has one [1, columns, width] for each of CellSpec::states, which is replaced by
  /// the one after the window. In bf16 PyTorch's autocast is on: x and the states may be bfloat16, and so may what
  /// comes out.
  virtual at::Tensor run(const at::Tensor& x, std::span<const at::Tensor> weights, std::span<at::Tensor> states) = 0;

 protected:
  TorchLayer() = default;
};

using MakeTorchLayer = std::unique_ptr<TorchLayer> (*)(const TorchLayerOptions& options);

/// The layer of the cell of that name (CellSpec::name): a row of layer_choice.cpp. Null: there is none.
MakeTorchLayer torch_layer_of(std::string_view cell);

// aten_layers.cpp
std::unique_ptr<TorchLayer> make_torch_rnn(const TorchLayerOptions& options);
std::unique_ptr<TorchLayer> make_torch_gru(const TorchLayerOptions& options);
std::unique_ptr<TorchLayer> make_torch_lstm(const TorchLayerOptions& options);
// persistent_layer.cpp, only in the CUDA build: cells with CellSpec::recurrence, on GPUs, in bf16, of sizes that
// why_no_recurrence() allows
std::unique_ptr<TorchLayer> make_persistent_layer(const TorchLayerOptions& options);
// cell_loop.cpp
std::unique_ptr<TorchLayer> make_rnn_cell_loop(const TorchLayerOptions& options);
std::unique_ptr<TorchLayer> make_gru_cell_loop(const TorchLayerOptions& options);
std::unique_ptr<TorchLayer> make_lstm_cell_loop(const TorchLayerOptions& options);
// norm_lstm_loop.cpp
std::unique_ptr<TorchLayer> make_torch_norm_lstm(const TorchLayerOptions& options);
// char_loop.cpp
std::unique_ptr<TorchLayer> make_char_loop(const TorchLayerOptions& options);
std::unique_ptr<TorchLayer> make_char_loop_concat(const TorchLayerOptions& options);

}  // namespace charrnn
