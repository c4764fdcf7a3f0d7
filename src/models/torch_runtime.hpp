// Settings of LibTorch that hold for the whole process.
#pragma once

namespace charrnn {

/// Sets the threads that LibTorch's CPU kernels use, keeps its memory between steps, and turns oneDNN off.
void configure_torch(int threads);

}  // namespace charrnn
