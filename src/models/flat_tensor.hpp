// Flat buffers as LibTorch tensors. Only for files that see LibTorch's headers.
#pragma once

#include <ATen/ATen.h>

#include <span>
#include <vector>

#include "base/device.hpp"

namespace charrnn {

inline at::TensorOptions options_of(Device device) {
  return at::TensorOptions()
      .dtype(at::kFloat)
      .device(device.cuda ? at::Device(at::kCUDA, static_cast<at::DeviceIndex>(device.index)) : at::Device(at::kCPU));
}

/// A view of memory of `device`; of const memory only to read from.
inline at::Tensor wrap(std::span<float> memory, Device device) {
  return at::from_blob(memory.data(), {static_cast<std::int64_t>(memory.size())}, options_of(device));
}

inline at::Tensor wrap(std::span<const float> memory, Device device) {
  return wrap(std::span(const_cast<float*>(memory.data()), memory.size()), device);
}

/// The memory of a contiguous tensor.
inline std::span<float> span_of(const at::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

inline std::vector<float> to_host(const at::Tensor& flat) {
  std::vector<float> host(static_cast<std::size_t>(flat.numel()));
  at::from_blob(host.data(), {flat.numel()}).copy_(flat);
  return host;
}

inline void from_host(at::Tensor& flat, std::span<const float> host) {
  flat.copy_(at::from_blob(const_cast<float*>(host.data()), {static_cast<std::int64_t>(host.size())}));
}

}  // namespace charrnn
