#include <vector>

#include "models/native/kernels.hpp"
#include "models/native/kernels_avx512_bf16.hpp"

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

namespace {

#if defined(__x86_64__)
const Kernels& with_bf16_instructions() {
  static const Kernels all = [] {
    Kernels copy = avx512::kKernels;
    copy.name = "avx512_bf16";
    copy.to_bf16 = avx512_bf16::to_bf16;
    copy.to_bf16_pairs = avx512_bf16::to_bf16_pairs;
    return copy;
  }();
  return all;
}
#endif

std::vector<const Kernels*> find_runnable() {
  std::vector<const Kernels*> found{&baseline::kKernels};
#if defined(__x86_64__)
  // What the compiler may use for x86-64-v3 and -v4 (System V ABI, "Micro-Architecture Levels").
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
      __builtin_cpu_supports("bmi2")) {
    found.push_back(&avx2::kKernels);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      found.push_back(&avx512::kKernels);
      if (__builtin_cpu_supports("avx512bf16")) found.push_back(&with_bf16_instructions());
    }
  }
#endif
  return found;
}

}  // namespace

std::span<const Kernels* const> runnable_kernels() {
  static const std::vector<const Kernels*> found = find_runnable();
  return found;
}

const Kernels& kernels() {
  static const Kernels& fastest = *runnable_kernels().back();
  return fastest;
}

}  // namespace charrnn
