// Memory laid out as a model's parameters, on a CPU or a GPU, and the arithmetic on such memory that is done beside the
// model and the optimizer's update.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/device.hpp"

namespace charrnn {

/// Floats of a device's memory, zero at first.
class FlatBuffer {
 public:
  FlatBuffer(Device device, std::int64_t size);

  std::span<float> span() const { return memory_; }

 private:
  AlignedBuffer on_cpu_;
  std::shared_ptr<void> on_gpu_;
  std::span<float> memory_;
};

/// Work on memory of one device; on a GPU it goes into the queue. Spans that are used together have the same size, a
/// multiple of 16.
///
///     const FlatMath math(model.device());
///     math.lerp(average, model.parameters(), 0.01);
class FlatMath {
 public:
  explicit FlatMath(Device device) : device_(device) {}

  void copy(std::span<float> to, std::span<const float> from) const;
  std::vector<float> to_host(std::span<const float> memory) const;
  void from_host(std::span<float> memory, std::span<const float> host) const;
  /// to += more; of any size
  void add(std::span<float> to, std::span<const float> more) const;
  /// to += factor · a · b
  void add_product(std::span<float> to, std::span<const float> a, std::span<const float> b, double factor) const;
  /// to += weight · (end − to)
  void lerp(std::span<float> to, std::span<const float> end, double weight) const;
  /// Σ memory², which waits for the device.
  double sum_of_squares(std::span<const float> memory) const;

 private:
  Device device_;
};

}  // namespace charrnn
