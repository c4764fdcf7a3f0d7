// Settings of LibTorch that hold for the whole process.
#pragma once

namespace charrnn {

/// Sets the threads that LibTorch's CPU kernels use, and keeps its memory between steps.
/// `deterministic`: what is computed twice gives the same bits, on GPUs too, and NCCL keeps to algorithms
/// that do; call it before anything computes on a GPU.
void configure_torch(int threads, bool deterministic = false);

}  // namespace charrnn
