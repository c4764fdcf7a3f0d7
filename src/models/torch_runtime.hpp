// Settings of LibTorch that hold for the whole process.
#pragma once

#include <string>

#include "base/device.hpp"

namespace charrnn {

/// Sets the threads that LibTorch's CPU kernels use, and keeps its memory between steps. Float32 products are not
/// rounded to TF32.
/// `deterministic`: what is computed twice gives the same bits, on GPUs too, and NCCL keeps to algorithms
/// that do; call it before anything computes on a GPU.
/// UsageError if the system does not let this process have so many threads.
void configure_torch(int threads, bool deterministic = false);

/// Whether GPUs may round the factors of float32 products to TF32 (10 bits after the first), which their units
/// multiply several times as fast.
void round_products_to_tf32(bool on);

/// LibTorch's version: "2.11.0".
std::string torch_version();

/// What computes on a device, as far as it decides how results are rounded: processor_description(); of a GPU its model,
/// compute capability, driver and cuDNN: "NVIDIA H100 80GB HBM3 (sm_90, driver 580.65.06, cuDNN 9.13.0)".
std::string device_description(Device device);

/// Float32 numbers below the normal range (under 1.2e-38) count as zero, on this thread and all that it
/// starts from now on. Gradients and Adam's averages get there, nothing can be learned from them, and some
/// processors take a hundred times as long for each.
void flush_subnormal_numbers();

}  // namespace charrnn
