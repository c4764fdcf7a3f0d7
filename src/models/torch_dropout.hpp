// The dropout of one window, as LibTorch tensors.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "models/language_model.hpp"

namespace charrnn {

/// Multiplies with masks as the model's config wants them, at one place of a run; does nothing without a key.
class TorchDropout {
 public:
  TorchDropout(const ModelConfig& config, const std::optional<DropoutKey>& key, at::TensorOptions options)
      : config_(config), key_(key), options_(options) {}

  bool is_on() const { return key_.has_value(); }
  /// Of the embedded characters [length, columns, embedding].
  at::Tensor of_input(const at::Tensor& x) const;
  /// Of the outputs of `layer` [length, columns, hidden]: between layers, or after the last one.
  at::Tensor of_outputs(const at::Tensor& x, std::int64_t layer) const;
  /// Of the hidden-to-hidden weights of `layer`.
  at::Tensor of_weights(const at::Tensor& weights, std::int64_t layer) const;

 private:
  at::Tensor drop(const at::Tensor& x, std::int64_t layer, double p) const;

  const ModelConfig& config_;
  std::optional<DropoutKey> key_;
  at::TensorOptions options_;
};

}  // namespace charrnn
