// The one order in which the parts of a sum are added up, whoever holds them: a fixed binary tree over the
// parts' numbers. The node over parts [first, last) adds what is before split(first, last) to what comes
// after.
#pragma once

#include <cstdint>
#include <span>

namespace charrnn {

constexpr std::int64_t split(std::int64_t first, std::int64_t last) {
  return first + (last - first) / 2;
}

/// The sum of all parts along the tree; 0 for none.
inline double tree_sum(std::span<const double> parts) {
  if (parts.empty()) return 0;
  if (parts.size() == 1) return parts[0];
  const auto middle = static_cast<std::size_t>(split(0, static_cast<std::int64_t>(parts.size())));
  return tree_sum(parts.first(middle)) + tree_sum(parts.subspan(middle));
}

}  // namespace charrnn
