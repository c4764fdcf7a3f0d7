// Links in place of recurrence_kernels.cu, recurrence_launch.cpp and gpu_stream.cpp: runs the kernels' source on the CPU, at
// once. Memory is the CPU's.
#pragma once

#include <cstdint>

namespace charrnn {

/// How the next kernels run. A seed decides the order of their threads; `groups` of columns there are at most.
struct OnCpu {
  std::uint64_t seed = 1;
  unsigned groups = 2;
};
inline OnCpu on_cpu;

}  // namespace charrnn
