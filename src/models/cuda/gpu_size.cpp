#include <cuda_runtime_api.h>

#include "models/cuda/recurrence.hpp"

namespace charrnn {

std::optional<GpuSize> gpu_size(int index) {
  int count = 0, shared = 0, major = 0, minor = 0;
  if (cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, index) != cudaSuccess ||
      cudaDeviceGetAttribute(&shared, cudaDevAttrMaxSharedMemoryPerBlockOptin, index) != cudaSuccess ||
      cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index) != cudaSuccess ||
      cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index) != cudaSuccess) {
    cudaGetLastError();  // kept, LibTorch's own checks would take it for a failure
    return std::nullopt;
  }
  return GpuSize{count, shared, 10 * major + minor};
}

}  // namespace charrnn
