// The few calls to the CUDA runtime that the program makes itself. Only in the CUDA build.
#pragma once

#include <memory>
#include <string>

#include "dist/device_memory.hpp"
#include "dist/gpu_links.hpp"
#include "dist/stream_events.hpp"

namespace charrnn {

/// GPUs that this process sees; 0 without a driver. Never throws.
int cuda_device_count();

/// Makes GPU `index` this thread's current one. The Error of gpu_error() if that fails.
void select_cuda_device(int index);

/// This thread's current one for messages: "GPU 3 (0000:65:00.0)"; less, if it does not answer any more.
std::string current_cuda_device();

/// "GPU-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", as nvidia-smi -L prints it. UsageError if there is no such
/// GPU.
std::string cuda_device_uuid(int index);

/// Where the GPU is plugged in: "0000:65:00.0". UsageError if there is no such GPU.
std::string cuda_device_bus(int index);

/// Between two GPUs that this process sees. Never throws.
GpuLink cuda_link(int one, int other);

/// Memory of the current GPU.
std::unique_ptr<DeviceMemory> make_cuda_memory();

/// Marks on the default stream of the current GPU, on which LibTorch queues its work: what is sent over it is
/// complete without further synchronisation.
std::unique_ptr<StreamEvents> make_cuda_stream_events();

}  // namespace charrnn
