// Where LibTorch enqueues the GPU's work. Only in the CUDA build.
#pragma once

namespace charrnn {

/// LibTorch's current stream (a cudaStream_t) on the current GPU.
void* gpu_stream();

}  // namespace charrnn
