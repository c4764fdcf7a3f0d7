// Memory of a GPU, for tests of kernels.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "dist/cuda_runtime.hpp"

namespace charrnn::test {

/// A span of the GPU's memory, with these contents.
template <typename Number>
class OnGpu {
 public:
  explicit OnGpu(std::span<const Number> contents)
      : count_(contents.size()), memory_(static_cast<Number*>(device_->allocate(contents.size_bytes()))) {
    device_->to_device(memory_, contents.data(), contents.size_bytes());
  }
  ~OnGpu() { device_->release(memory_); }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;

  std::span<Number> span() const { return {memory_, count_}; }
  std::vector<Number> contents() const {
    std::vector<Number> host(count_);
    device_->to_host(host.data(), memory_, count_ * sizeof(Number));
    return host;
  }

 private:
  std::unique_ptr<DeviceMemory> device_ = make_cuda_memory();
  std::size_t count_;
  Number* memory_;
};

}  // namespace charrnn::test
