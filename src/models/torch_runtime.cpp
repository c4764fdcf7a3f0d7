#include "models/torch_runtime.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <malloc.h>

namespace charrnn {

void configure_torch(int threads) {
  at::set_num_threads(threads);
  // oneDNN's LSTM writes past the end of a buffer on processors with AVX-512 (its sgemm's workspace):
  // training ended with a corrupted heap after seconds or hours, in one process and in many. ATen's own
  // layers do not use it.
  at::globalContext().setUserEnabledMkldnn(false);
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
