// A parameter group's memory on a GPU, as LibTorch tensors. Only for files that see LibTorch's headers.
#pragma once

#include <ATen/ATen.h>

#include <vector>

namespace charrnn {

struct GpuStretches {
  std::vector<at::Tensor> parameters, gradients;
  std::vector<std::vector<at::Tensor>> state;  ///< by buffer
  std::vector<at::Tensor> steps;               ///< updates done, this one included
};

}  // namespace charrnn
