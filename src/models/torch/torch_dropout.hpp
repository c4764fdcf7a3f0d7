// The dropout of one window, as LibTorch tensors.
#pragma once

#include <ATen/ATen.h>

#include "config/model_config.hpp"

namespace charrnn {

/// Multiplies with the masks that the model's config asks for, with autograd. Tensors are float32, or bfloat16,
/// whose products are rounded.
class TorchDropout {
 public:
  /// `key`: dropout_key_words() as a tensor on the model's device, read when the work is done there; undefined: nothing
  /// is dropped.
  TorchDropout(const ModelConfig& config, at::Tensor key);

  /// Of the embedded characters [length, columns, embedding].
  at::Tensor of_input(const at::Tensor& x) const;
  /// Of the outputs of `layer` [length, columns, hidden]: between layers, or after the last one.
  at::Tensor of_outputs(const at::Tensor& x, std::int64_t layer) const;
  /// Of the hidden-to-hidden weights of `layer`.
  at::Tensor of_weights(const at::Tensor& weights, std::int64_t layer) const;

 private:
  at::Tensor drop(const at::Tensor& x, std::int64_t layer, double p) const;

  const ModelConfig& config_;
  at::Tensor key_;
};

}  // namespace charrnn
