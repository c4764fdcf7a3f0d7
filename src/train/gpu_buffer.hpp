// FlatBuffer and FlatMath on GPUs, by LibTorch. Only in the CUDA build.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/device.hpp"

namespace charrnn::gpu {

/// Zeros, which `owner` keeps.
std::span<float> allocate(Device device, std::int64_t size, std::shared_ptr<void>& owner);
void copy(std::span<float> to, Device to_device, std::span<const float> from, Device from_device);
void add(Device device, std::span<float> to, std::span<const float> more);
void add_product(Device device, std::span<float> to, std::span<const float> a, std::span<const float> b, double factor);
void lerp(Device device, std::span<float> to, std::span<const float> end, double weight);
double sum_of_squares(Device device, std::span<const float> memory);

}  // namespace charrnn::gpu
