// Dropout masks made on the GPU: the numbers of dropout.hpp, bit for bit. Only in the CUDA build.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "models/dropout.hpp"

namespace charrnn {

/// A DropoutKey as the GPU reads it: seed, step, first column.
inline constexpr std::int64_t kGpuDropoutKeySize = 3;
inline std::array<std::int64_t, kGpuDropoutKeySize> gpu_dropout_key(const DropoutKey& key) {
  return {static_cast<std::int64_t>(key.seed), key.step, key.first_column};
}

/// Enqueues on `stream` (a cudaStream_t) what fill_dropout_mask() does for all columns of `mask` [length,
/// columns, hidden]. `key` and `mask` lie in the GPU's memory; the key is read when the work is done.
/// std::runtime_error if the GPU refuses.
void enqueue_dropout_mask(const std::int64_t* key, std::int64_t layer, double p, std::int64_t columns,
                          std::int64_t hidden, std::span<float> mask, void* stream);

/// The same for fill_weight_mask() and the whole of `mask`.
void enqueue_weight_mask(const std::int64_t* key, std::int64_t layer, double p, std::span<float> mask,
                         void* stream);

}  // namespace charrnn
