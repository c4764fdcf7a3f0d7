// Sizes that are multiples of something.
#pragma once

#include <cstdint>

namespace charrnn {

/// The least multiple of `multiple` that is not below `size`.
constexpr std::int64_t round_up(std::int64_t size, std::int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

}  // namespace charrnn
