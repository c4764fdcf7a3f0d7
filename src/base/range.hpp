// Stretches of numbered things, and fair shares of them.
#pragma once

#include <cstdint>

namespace charrnn {

/// A stretch of neighbours: columns of a batch, micro-batches, elements of a buffer.
struct Range {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t end() const { return first + count; }
  bool operator==(const Range&) const = default;
};

/// Part number `part` of `parts` nearly equal ones: contiguous, in order, sizes differ by at most one. A part
/// may be empty.
constexpr Range share_of(std::int64_t total, std::int64_t part, std::int64_t parts) {
  const std::int64_t first = total * part / parts;
  return {first, total * (part + 1) / parts - first};
}

}  // namespace charrnn
