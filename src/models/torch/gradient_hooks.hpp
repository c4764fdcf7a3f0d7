// When autograd has completed which part of a gradient. Only for files that see LibTorch's headers.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace charrnn {

/// Hooks of a model's leaves, each of which belongs to a part.
class GradientHooks {
 public:
  /// In each backward pass is_complete(part) is called once for every part, when the gradients of all its leaves are
  /// where autograd adds them: on autograd's thread, with that thread's current stream.
  GradientHooks(std::span<const at::Tensor> leaves, std::vector<std::size_t> part_of_leaf,
                std::function<void(std::size_t)> is_complete);

  /// Before a backward pass.
  void begin();

 private:
  class Hook;
  struct Parts;

  std::shared_ptr<Parts> parts_;
};

}  // namespace charrnn
