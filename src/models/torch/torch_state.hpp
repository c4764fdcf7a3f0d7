// Hidden state as LibTorch tensors.
#pragma once

#include <ATen/ATen.h>

#include <utility>
#include <vector>

#include "models/language_model.hpp"

namespace charrnn {

/// A window replaces the tensors of the state by its results, and settle() copies these back to memory that
/// never moves, so that CUDA graphs can be recorded on it.
class TorchState final : public HiddenState {
 public:
  TorchState(std::vector<StateSpec> state_specs, std::int64_t columns, at::TensorOptions options)
      : HiddenState(std::move(state_specs), columns) {
    own_.resize(static_cast<std::size_t>(specs().front().layers));
    for (const StateSpec& spec : specs()) {
      all_.push_back(at::zeros({spec.layers, 1, columns, spec.width}, options));
      const std::vector<at::Tensor> layers = all_.back().unbind();
      for (std::size_t layer = 0; layer < layers.size(); ++layer) own_[layer].push_back(layers[layer]);
    }
    now_ = own_;
  }

  /// The states of a layer, in the order of specs(), each [1, columns, width].
  std::vector<at::Tensor>& of_layer(std::int64_t layer) { return now_[static_cast<std::size_t>(layer)]; }

  void zero() override {
    for (at::Tensor& states : all_) states.zero_();
    now_ = own_;
  }
  /// Of a settled state.
  void zero_if(const float* flag) override {
    const at::Tensor is_set = at::from_blob(const_cast<float*>(flag), {}, all_.front().options()).ne(0);
    for (at::Tensor& states : all_) states.masked_fill_(is_set, 0);
  }
  void store(std::size_t i, std::span<float> to) const override {
    std::vector<at::Tensor> layers;
    for (const std::vector<at::Tensor>& states : now_) layers.push_back(states[i]);
    at::from_blob(to.data(), {specs()[i].layers, columns(), specs()[i].width}).copy_(at::cat(layers));
  }
  void load(std::size_t i, std::span<const float> from) override {
    const at::Tensor all =
        at::from_blob(const_cast<float*>(from.data()), {specs()[i].layers, 1, columns(), specs()[i].width});
    for (std::size_t layer = 0; layer < own_.size(); ++layer) {
      own_[layer][i].copy_(all[static_cast<std::int64_t>(layer)]);
      now_[layer][i] = own_[layer][i];
    }
  }
  /// Copies what a window left to the state's own memory. It also cuts the graph that led here: gradients end at
  /// a window's beginning.
  void settle() {
    for (std::size_t layer = 0; layer < own_.size(); ++layer) {
      for (std::size_t i = 0; i < own_[layer].size(); ++i) {
        at::Tensor &own = own_[layer][i], &now = now_[layer][i];
        if (now.is_same(own)) continue;
        own.copy_(now.detach());
        now = own;
      }
    }
  }
  /// Where the state lies once it is settled: always the same.
  const void* address() const { return own_.front().front().data_ptr(); }

 private:
  std::vector<at::Tensor> all_;                     ///< by state, of all layers
  std::vector<std::vector<at::Tensor>> own_, now_;  ///< by layer and state; own_ are views of all_
};

}  // namespace charrnn
