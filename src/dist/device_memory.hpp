// Memory of the device that the gradients live on. In the program it is the GPU's; tests put host memory
// there.
#pragma once

#include <cstddef>

namespace charrnn {

class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  /// Both copies come after all work queued on the device so far and return when the bytes have arrived.
  virtual void to_host(void* host, const void* device, std::size_t bytes) = 0;
  virtual void to_device(void* device, const void* host, std::size_t bytes) = 0;
};

}  // namespace charrnn
