// The dropout of one window, as LibTorch tensors.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <optional>

#include "models/language_model.hpp"

namespace charrnn {

/// Multiplies with masks as the model's config wants them, at one place of a run; does nothing without a key.
class TorchDropout {
 public:
  TorchDropout(const ModelConfig& config, const std::optional<DropoutKey>& key, at::TensorOptions options)
      : config_(config), key_(key), options_(options) {}

  /// Of the embedded characters [length, columns, embedding].
  at::Tensor of_input(const at::Tensor& x) const;
  /// Of the outputs of `layer` [length, columns, hidden]: between layers, or after the last one.
  at::Tensor of_outputs(const at::Tensor& x, std::int64_t layer) const;
  /// Of the hidden-to-hidden weights of `layer`.
  at::Tensor of_weights(const at::Tensor& weights, std::int64_t layer) const;

  /// The masks of another place, in the memory of those that were made so far: operations on the GPU that
  /// were recorded with them find the new ones there. None of those may be running.
  void draw_again(const DropoutKey& key);

 private:
  /// A mask in host memory, filled for a key.
  struct Mask {
    at::Tensor host, device;  ///< the same on CPUs
    std::function<void(const DropoutKey&, const at::Tensor& host)> fill;
  };

  at::Tensor drop(const at::Tensor& x, std::int64_t layer, double p) const;
  /// Makes the mask, once; on GPUs each call enqueues the copy of it that the GPU works with.
  const at::Tensor& mask(std::pair<bool, std::int64_t> of, at::IntArrayRef sizes,
                         std::function<void(const DropoutKey&, const at::Tensor&)> fill) const;

  const ModelConfig& config_;
  std::optional<DropoutKey> key_;
  at::TensorOptions options_;
  mutable std::map<std::pair<bool, std::int64_t>, Mask> masks_;  ///< by (of weights, layer)
};

}  // namespace charrnn
