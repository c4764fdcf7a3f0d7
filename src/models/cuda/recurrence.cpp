#include "models/cuda/recurrence.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/cuda/recurrence_kernels.hpp"

namespace charrnn {

std::int64_t recurrence_shared_bytes(RecurrentCell cell, std::int64_t hidden) {
  return std::max(forward_bytes(cell, hidden), backward_bytes(cell, hidden));
}

std::optional<std::string> why_no_recurrence(RecurrentCell cell, std::int64_t hidden, const GpuSize& gpu) {
  constexpr int kFirstWithBf16 = 80;
  if (gpu.capability < kFirstWithBf16) {
    return fmt::format("this GPU cannot multiply bf16: its compute capability is {}.{}, and 8.0 is the least",
                       gpu.capability / 10, gpu.capability % 10);
  }
  if (hidden % kRecurrenceTile != 0) return fmt::format("`hidden` must be a multiple of {}", kRecurrenceTile);
  constexpr std::int64_t kKiB = 1024;
  const std::int64_t bytes = recurrence_shared_bytes(cell, hidden), ctas = hidden / kRecurrenceTile;
  if (bytes > gpu.shared_bytes) {
    return fmt::format(
        "with `hidden` {} the weights of {} units take {} KiB, and this GPU's multiprocessors have {} KiB", hidden,
        kRecurrenceTile, (bytes + kKiB - 1) / kKiB, gpu.shared_bytes / kKiB);
  }
  if (ctas > gpu.multiprocessors) {
    return fmt::format("`hidden` {} takes {} multiprocessors, and this GPU has {}", hidden, ctas, gpu.multiprocessors);
  }
  return std::nullopt;
}

}  // namespace charrnn
