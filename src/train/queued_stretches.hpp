// What LibTorch's fused updates get of a parameter group. Only for files that see LibTorch's headers.
#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace charrnn {

struct QueuedStretches {
  std::vector<at::Tensor> parameters = {}, gradients = {};
  std::vector<std::vector<at::Tensor>> state = {};  ///< by buffer
  std::vector<at::Tensor> steps = {};               ///< updates done, this one included
  at::Tensor rate, divisor, leaves_out;             ///< see QueuedUpdate
};

}  // namespace charrnn
