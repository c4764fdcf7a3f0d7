// The order in which the parts of a sum are added up, on whatever ranks they are: a fixed binary tree over the parts'
// numbers. The node of parts [first, last) adds the sum of those before split(first, last) and the sum of the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace charrnn {

constexpr std::int64_t split(std::int64_t first, std::int64_t last) {
  return first + (last - first) / 2;
}

/// Adds up parts [first, last), at least one, in memory that holds a sum at each level, from `level` on,
/// where the total ends up: put(part, level) makes a part the sum of its level, add(level) adds the sum of
/// level + 1 to that of `level`.
template <class Put, class Add>
void add_up_levels(std::int64_t first, std::int64_t last, std::size_t level, const Put& put, const Add& add) {
  if (last - first == 1) return put(first, level);
  const std::int64_t middle = split(first, last);
  add_up_levels(first, middle, level, put, add);
  add_up_levels(middle, last, level + 1, put, add);
  add(level);
}

/// The sum of all parts along the tree; 0 for none.
inline double tree_sum(std::span<const double> parts) {
  if (parts.empty()) return 0;
  if (parts.size() == 1) return parts[0];
  const auto middle = static_cast<std::size_t>(split(0, static_cast<std::int64_t>(parts.size())));
  return tree_sum(parts.first(middle)) + tree_sum(parts.subspan(middle));
}

}  // namespace charrnn
