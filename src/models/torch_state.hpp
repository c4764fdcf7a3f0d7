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
    for (const StateSpec& spec : specs()) {
      own_.push_back(at::zeros({spec.layers, 1, columns, spec.width}, options).unbind());
    }
    now_ = own_;
  }

  /// Tensors of state number i, one [1, columns, width] a layer.
  std::vector<at::Tensor>& operator[](std::size_t i) { return now_[i]; }

  void zero() override {
    for (std::vector<at::Tensor>& layers : own_) {
      for (at::Tensor& layer : layers) layer.zero_();
    }
    now_ = own_;
  }
  void store(std::size_t i, std::span<float> to) const override {
    at::from_blob(to.data(), {specs()[i].layers, columns(), specs()[i].width}).copy_(at::cat(now_[i]));
  }
  void load(std::size_t i, std::span<const float> from) override {
    const at::Tensor all =
        at::from_blob(const_cast<float*>(from.data()), {specs()[i].layers, columns(), specs()[i].width});
    for (std::size_t layer = 0; layer < own_[i].size(); ++layer) {
      own_[i][layer].copy_(
          all.slice(0, static_cast<std::int64_t>(layer), static_cast<std::int64_t>(layer) + 1));
    }
    now_[i] = own_[i];
  }
  /// Copies what a window left to the state's own memory. It also cuts the graph that led here: gradients end at
  /// a window's beginning.
  void settle() {
    for (std::size_t i = 0; i < own_.size(); ++i) {
      for (std::size_t layer = 0; layer < own_[i].size(); ++layer) {
        if (now_[i][layer].is_same(own_[i][layer])) continue;
        own_[i][layer].copy_(now_[i][layer].detach());
        now_[i][layer] = own_[i][layer];
      }
    }
  }
  /// Where the state lies once it is settled: always the same.
  const void* address() const { return own_.front().front().data_ptr(); }

 private:
  std::vector<std::vector<at::Tensor>> own_, now_;  ///< by state and layer
};

}  // namespace charrnn
