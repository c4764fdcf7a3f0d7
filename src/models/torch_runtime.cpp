#include "models/torch_runtime.hpp"

#include <ATen/Parallel.h>
#include <malloc.h>

namespace charrnn {

void set_torch_threads(int threads) {
  at::set_num_threads(threads);
  // Autograd frees and allocates the same large blocks every step; keep them instead of going to the kernel.
  constexpr int kLargestFromHeap = 32 << 20;  // glibc refuses more
  constexpr int kKeptOnTop = 512 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestFromHeap);
  mallopt(M_TRIM_THRESHOLD, kKeptOnTop);
}

int torch_threads() {
  return at::get_num_threads();
}

}  // namespace charrnn
