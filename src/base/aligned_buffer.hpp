// Memory for vector instructions.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "base/memory.hpp"

namespace charrnn {

/// Floats at a multiple of 64 bytes. Grows and never shrinks.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::int64_t size) { grow(size); }

  /// Room for at least `size` floats; what was in it is lost, and all is zero, if it had to grow.
  void grow(std::int64_t size) {
    if (size <= size_) return;
    // Large ones in large pages where the system has them: a product walks through megabytes of weights.
    constexpr std::size_t kLine = 64, kPage = 2 << 20;
    const std::size_t wanted = static_cast<std::size_t>(size) * sizeof(float);
    const std::size_t alignment = wanted >= kPage ? kPage : kLine;
    const std::size_t bytes = (wanted + alignment - 1) / alignment * alignment;
    memory_.reset(static_cast<float*>(std::aligned_alloc(alignment, bytes)));
    if (alignment == kPage && memory_ != nullptr) madvise(memory_.get(), bytes, MADV_HUGEPAGE);
    if (memory_ == nullptr) throw OutOfMemory(bytes);
    require_memory(kForLibraries);
    size_ = size;
    std::fill_n(memory_.get(), size, 0.0F);
  }

  /// Room for `size` floats, of which those from `used` on become zero.
  void grow_padded(std::int64_t used, std::int64_t size) {
    grow(size);
    std::fill(memory_.get() + used, memory_.get() + size, 0.0F);
  }

  float* data() { return memory_.get(); }
  const float* data() const { return memory_.get(); }
  std::int64_t size() const { return size_; }
  std::span<float> span() { return {data(), static_cast<std::size_t>(size_)}; }
  std::span<const float> span() const { return {data(), static_cast<std::size_t>(size_)}; }

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float, Free> memory_;
  std::int64_t size_ = 0;
};

}  // namespace charrnn
