#include <vector>

#include "base/instruction_set.hpp"
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
    copy.split_to_bf16 = avx512_bf16::split_to_bf16;
    copy.split_to_bf16_pairs = avx512_bf16::split_to_bf16_pairs;
    copy.transpose_to_bf16 = avx512_bf16::transpose_to_bf16;
    copy.multiply_int8 = avx512_bf16::multiply_int8;
    return copy;
  }();
  return all;
}
#endif

std::vector<const Kernels*> find_runnable() {
  std::vector<const Kernels*> found{&baseline::kKernels};
#if defined(__x86_64__)
  const InstructionSet best = instruction_set();
  if (best >= InstructionSet::kAvx2) found.push_back(&avx2::kKernels);
  if (best >= InstructionSet::kAvx512) found.push_back(&avx512::kKernels);
  if (best >= InstructionSet::kAvx512Bf16) found.push_back(&with_bf16_instructions());
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
