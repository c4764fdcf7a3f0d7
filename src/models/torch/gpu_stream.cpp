#include "models/torch/gpu_stream.hpp"

#include <c10/cuda/CUDAStream.h>

namespace charrnn {

void* gpu_stream() {
  return c10::cuda::getCurrentCUDAStream().stream();
}

}  // namespace charrnn
