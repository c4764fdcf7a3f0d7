#include "models/torch_runtime.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <malloc.h>
#include <torch/headeronly/version.h>

#include <cstdlib>

#include "base/processor.hpp"
#include "base/thread_team.hpp"
#ifdef CHARRNN_CUDA
#include <ATen/cuda/CUDAContext.h>
#include <fmt/format.h>

#include "base/first_line.hpp"
#endif

namespace charrnn {

void configure_torch(int threads, bool deterministic) {
  if (deterministic) {
    // cuBLAS needs a fixed workspace for it (its documentation, "Results reproducibility"), and NCCL's sums
    // in the network switch depend on who comes first. A user's own values win.
    setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:2", 0);
    setenv("NCCL_ALGO", "^NVLS,NVLSTree", 0);
    at::globalContext().setDeterministicCuDNN(true);
    at::globalContext().setBenchmarkCuDNN(false);
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
    // Filling fresh memory with NaN finds bugs, but costs a pass over all of it.
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  }
  // What the program calls fp32 is fp32 on GPUs too; cuDNN's recurrent layers round to TF32 unless told not
  // to, cuBLAS where the environment says so.
  round_products_to_tf32(false);
  // LibTorch has two pools of threads, and where the system refuses one of these it ends the process or waits for ever.
  if (threads > 1) const ThreadTeam as_many(2 * threads);
  at::set_num_threads(threads);
  // Autograd frees and allocates the same large blocks every step; keep them instead of going to the kernel.
  constexpr int kLargestFromHeap = 32 << 20;  // glibc refuses more
  constexpr int kKeptOnTop = 512 << 20;
  mallopt(M_MMAP_THRESHOLD, kLargestFromHeap);
  mallopt(M_TRIM_THRESHOLD, kKeptOnTop);
}

void round_products_to_tf32(bool on) {
  at::globalContext().setAllowTF32CuDNN(on);
  at::globalContext().setAllowTF32CuBLAS(on);
}

std::string torch_version() {
  return TORCH_VERSION;
}

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

void flush_subnormal_numbers() {
  // POSIX: a new thread inherits the floating-point environment (pthread_create).
  at::globalContext().setFlushDenormal(true);
}

}  // namespace charrnn
