#include "models/torch_runtime.hpp"

#include <ATen/Parallel.h>
#include <malloc.h>

namespace charrnn {

void set_torch_threads(int threads) {
  at::set_num_threads(threads);
  // Autograd frees and allocates the same large blocks every step; keep them instead of going to the kernel.
  constexpr int kKeep = 512 << 20;
  mallopt(M_MMAP_THRESHOLD, kKeep);
  mallopt(M_TRIM_THRESHOLD, kKeep);
}

int torch_threads() {
  return at::get_num_threads();
}

}  // namespace charrnn
