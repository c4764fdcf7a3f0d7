// The recurrent kernels as those who launch them see them: threads, shared memory, addresses.
#pragma once

#include <cstdint>

#include "models/cuda/recurrence.hpp"

namespace charrnn {

/// A thread for every column and unit of a tile.
inline constexpr int kTileSize = 16 * 16, kThreads = kTileSize;
inline constexpr int kWarpSize = 32, kWarps = kThreads / kWarpSize;
/// Numbers between two rows of weights: rows that are read together begin in different banks.
inline constexpr std::int64_t kWeightPadding = 8;

/// Of 16 · `tiles` rows of `depth` bfloat16 numbers.
constexpr std::int64_t weight_bytes(std::int64_t tiles, std::int64_t depth) {
  return tiles * 16 * (depth + kWeightPadding) * 2;
}
/// With every warp's partial sums, in float32.
constexpr std::int64_t product_bytes(std::int64_t tiles, std::int64_t depth) {
  return weight_bytes(tiles, depth) + std::int64_t{kWarps} * tiles * kTileSize * 4;
}

constexpr std::int64_t forward_bytes(RecurrentCell cell, std::int64_t hidden) {
  return product_bytes(gates_of(cell), hidden);
}
constexpr std::int64_t backward_bytes(RecurrentCell cell, std::int64_t hidden) {
  return product_bytes(1, gates_of(cell) * hidden);
}

/// Kernels, for the CUDA runtime's launches: of a RecurrenceForward or a RecurrenceBackward. In recurrence_kernels.cu, only
/// in the CUDA build.
const void* forward_kernel(RecurrentCell cell);
const void* backward_kernel(RecurrentCell cell);

}  // namespace charrnn
