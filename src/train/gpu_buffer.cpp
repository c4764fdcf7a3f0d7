#include "train/gpu_buffer.hpp"

#include "models/flat_tensor.hpp"

namespace charrnn::gpu {

std::span<float> allocate(Device device, std::int64_t size, std::shared_ptr<void>& owner) {
  const auto tensor = std::make_shared<at::Tensor>(at::zeros({size}, options_of(device)));
  owner = tensor;
  return span_of(*tensor);
}

void copy(std::span<float> to, Device to_device, std::span<const float> from, Device from_device) {
  wrap(to, to_device).copy_(wrap(from, from_device));
}

void add(Device device, std::span<float> to, std::span<const float> more) {
  wrap(to, device).add_(wrap(more, device));
}

void add_product(Device device, std::span<float> to, std::span<const float> a, std::span<const float> b,
                 double factor) {
  wrap(to, device).addcmul_(wrap(a, device), wrap(b, device), factor);
}

void lerp(Device device, std::span<float> to, std::span<const float> end, double weight) {
  wrap(to, device).lerp_(wrap(end, device), weight);
}

double sum_of_squares(Device device, std::span<const float> memory) {
  const double norm = at::linalg_vector_norm(wrap(memory, device)).item<double>();
  return norm * norm;
}

}  // namespace charrnn::gpu
