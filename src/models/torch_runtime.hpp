// Settings of LibTorch that hold for the whole process.
#pragma once

namespace charrnn {

/// Threads that LibTorch's CPU kernels use.
void set_torch_threads(int threads);
int torch_threads();

}  // namespace charrnn
