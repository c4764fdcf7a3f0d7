// Stretches of numbered things, fair shares of them, and rounding up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

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

/// Part number `part` of `parts` equal ones: contiguous, in order; the last one takes what is left over.
constexpr Range slice_of(std::int64_t total, std::int64_t part, std::int64_t parts) {
  const std::int64_t each = total / parts, first = each * part;
  return {first, part + 1 == parts ? total - first : each};
}

/// The least multiple of `multiple` that is not below `size`.
constexpr std::int64_t round_up(std::int64_t size, std::int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

/// The elements of `all` that a range names.
template <class T>
std::span<T> part_of(std::span<T> all, const Range& part) {
  return all.subspan(static_cast<std::size_t>(part.first), static_cast<std::size_t>(part.count));
}

}  // namespace charrnn
