// What an error of the CUDA runtime means for a run. Needs no CUDA.
#pragma once

#include <string>

#include "base/error.hpp"

namespace charrnn {

enum class GpuTrouble {
  kMemory,  ///< too little of it: a smaller job runs
  kSetup,   ///< no driver, the wrong one, or no such GPU: nothing runs here until that is mended
  kBroken,  ///< the GPU, or the way to it, failed: the run can go on from its newest checkpoint, here or elsewhere
  kBug,     ///< a call that must not be made like this
};

/// `cuda_error` is the number of a cudaError_t.
GpuTrouble gpu_trouble(int cuda_error);

/// The Error for a GPU that is missing or broken: where it is ("GPU 3 (0000:65:00.0)"), and what CUDA says.
Error gpu_error(GpuTrouble trouble, const std::string& gpu, const std::string& what);

}  // namespace charrnn
