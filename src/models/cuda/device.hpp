// The GPU's side of CUDA, as the kernels of this folder use it. The tests have a stand-in for CPUs
// (tests/gpu/cuda_on_cpu.hpp), so that the kernels' source runs there, too.
#pragma once

#include <cuda_bf16.h>
#include <mma.h>

namespace charrnn {

namespace wmma = nvcuda::wmma;

/// The CTA's dynamic shared memory.
__device__ inline unsigned char* shared_memory() {
  extern __shared__ __align__(32) unsigned char memory[];
  return memory;
}

/// Adds one to a counter that other CTAs watch. What this thread wrote or saw before it (through __syncthreads() also
/// what its CTA wrote) can be seen by whoever sees the new count with load_acquire().
__device__ inline void add_release(unsigned* counter) {
  asm volatile("red.release.gpu.global.add.u32 [%0], 1;" ::"l"(counter) : "memory");
}
__device__ inline unsigned load_acquire(const unsigned* counter) {
  unsigned count;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(count) : "l"(counter) : "memory");
  return count;
}

}  // namespace charrnn
