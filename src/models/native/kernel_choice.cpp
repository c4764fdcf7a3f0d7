#include "models/native/kernels.hpp"

namespace charrnn {

namespace baseline {
extern const Kernels kKernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kKernels;
}
namespace avx512 {
extern const Kernels kKernels;
}
#endif

const Kernels& kernels() {
#if defined(__x86_64__)
  // What x86-64-v4 and x86-64-v3 stand for (System V ABI, "Micro-Architecture Levels").
  static const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                                 __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                                 __builtin_cpu_supports("avx512vl");
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                               __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  if (has_avx512 && has_avx2) return avx512::kKernels;
  if (has_avx2) return avx2::kKernels;
#endif
  return baseline::kKernels;
}

}  // namespace charrnn
