#include "base/instruction_set.hpp"
#include "train/update_kernels.hpp"

namespace charrnn {

namespace baseline {
extern const UpdateKernels kUpdateKernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const UpdateKernels kUpdateKernels;
}
namespace avx512 {
extern const UpdateKernels kUpdateKernels;
}
#endif

const UpdateKernels& update_kernels() {
#if defined(__x86_64__)
  static const InstructionSet best = instruction_set();
  if (best >= InstructionSet::kAvx512) return avx512::kUpdateKernels;
  if (best >= InstructionSet::kAvx2) return avx2::kUpdateKernels;
#endif
  return baseline::kUpdateKernels;
}

}  // namespace charrnn
