// The dropout of one window, as LibTorch tensors.
#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "models/language_model.hpp"

namespace charrnn {

/// Multiplies with masks as the model's config wants them, at one place of a run; does nothing without a key.
class TorchDropout {
 public:
  /// On a CPU; on a GPU only without a key.
  TorchDropout(const ModelConfig& config, const std::optional<DropoutKey>& key, at::TensorOptions options);
  /// On a GPU, with a key in its memory, as gpu_dropout_key() puts it; undefined: no key.
  TorchDropout(const ModelConfig& config, at::Tensor key_on_gpu, at::TensorOptions options);

  /// Of the embedded characters [length, columns, embedding].
  at::Tensor of_input(const at::Tensor& x) const;
  /// Of the outputs of `layer` [length, columns, hidden]: between layers, or after the last one.
  at::Tensor of_outputs(const at::Tensor& x, std::int64_t layer) const;
  /// Of the hidden-to-hidden weights of `layer`.
  at::Tensor of_weights(const at::Tensor& weights, std::int64_t layer) const;

 private:
  bool is_on() const { return key_ || key_on_gpu_.defined(); }
  at::Tensor drop(const at::Tensor& x, std::int64_t layer, double p) const;

  const ModelConfig& config_;
  std::optional<DropoutKey> key_;  ///< where masks are made on the CPU
  at::Tensor key_on_gpu_;
  at::TensorOptions options_;
};

}  // namespace charrnn
