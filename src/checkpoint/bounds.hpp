// What a file with a model may say at most.
#pragma once

#include <cstddef>
#include <cstdint>

namespace charrnn {

// Far above what training writes; they keep all arithmetic from overflowing.
inline constexpr std::int64_t kMostSteps = std::int64_t{1} << 53;
inline constexpr std::size_t kMostSymbols = 65'536, kLongestSymbol = 16;  // the second in bytes

}  // namespace charrnn
