#include "models/device_description.hpp"

#include "base/processor.hpp"
#ifdef CHARRNN_CUDA
#include <ATen/Context.h>
#include <ATen/cuda/CUDAContext.h>
#include <fmt/format.h>

#include "base/first_line.hpp"
#endif

namespace charrnn {

#ifdef CHARRNN_CUDA
std::string device_description(Device device) {
  if (!device.cuda) return processor_description();
  const cudaDeviceProp& gpu = *at::cuda::getDeviceProperties(static_cast<c10::DeviceIndex>(device.index));
  const std::string driver = first_line("/sys/module/nvidia/version").value_or("unknown");
  const long cudnn = at::Context::versionCuDNN();
  return fmt::format("{} (sm_{}{}, driver {}, cuDNN {}.{}.{})", gpu.name, gpu.major, gpu.minor, driver, cudnn / 10'000,
                     cudnn / 100 % 100, cudnn % 100);
}
#else
std::string device_description(Device /*device*/) {
  return processor_description();
}
#endif

}  // namespace charrnn
