#include "train/flat_buffer.hpp"

#include <algorithm>
#include <functional>

#include "train/update_kernels.hpp"
#ifdef CHARRNN_CUDA
#include "train/gpu_buffer.hpp"
#endif

namespace charrnn {

FlatBuffer::FlatBuffer(Device device, std::int64_t size) {
#ifdef CHARRNN_CUDA
  if (device.cuda) {
    memory_ = gpu::allocate(device, size, on_gpu_);
    return;
  }
#endif
  static_cast<void>(device);
  on_cpu_.grow(size);
  memory_ = on_cpu_.span();
}

void FlatMath::copy(std::span<float> to, std::span<const float> from) const {
#ifdef CHARRNN_CUDA
  if (device_.cuda) return gpu::copy(to, device_, from, device_);
#endif
  std::ranges::copy(from, to.begin());
}

std::vector<float> FlatMath::to_host(std::span<const float> memory) const {
  std::vector<float> host(memory.size());
#ifdef CHARRNN_CUDA
  if (device_.cuda) {
    gpu::copy(host, Device{}, memory, device_);
    return host;
  }
#endif
  std::ranges::copy(memory, host.begin());
  return host;
}

void FlatMath::from_host(std::span<float> memory, std::span<const float> host) const {
#ifdef CHARRNN_CUDA
  if (device_.cuda) return gpu::copy(memory, device_, host, Device{});
#endif
  std::ranges::copy(host, memory.begin());
}

void FlatMath::add(std::span<float> to, std::span<const float> more) const {
#ifdef CHARRNN_CUDA
  if (device_.cuda) return gpu::add(device_, to, more);
#endif
  std::ranges::transform(to, more, to.begin(), std::plus<>());
}

void FlatMath::add_product(std::span<float> to, std::span<const float> a, std::span<const float> b,
                           double factor) const {
#ifdef CHARRNN_CUDA
  if (device_.cuda) return gpu::add_product(device_, to, a, b, factor);
#endif
  update_kernels().add_product(std::ssize(to), a.data(), b.data(), static_cast<float>(factor), to.data());
}

void FlatMath::lerp(std::span<float> to, std::span<const float> end, double weight) const {
#ifdef CHARRNN_CUDA
  if (device_.cuda) return gpu::lerp(device_, to, end, weight);
#endif
  update_kernels().lerp(std::ssize(to), end.data(), static_cast<float>(weight), to.data());
}

double FlatMath::sum_of_squares(std::span<const float> memory) const {
#ifdef CHARRNN_CUDA
  if (device_.cuda) return gpu::sum_of_squares(device_, memory);
#endif
  return update_kernels().sum_of_squares(std::ssize(memory), memory.data());
}

}  // namespace charrnn
