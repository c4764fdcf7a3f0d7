// Dropout on the GPU: the numbers of dropout.hpp, bit for bit. Only in the CUDA build.
#pragma once

#include <cstdint>
#include <span>

#include "models/torch/drop_block.hpp"

namespace charrnn {

/// Enqueues on `stream` (a cudaStream_t): `to` becomes `from` times the plan's mask; they may be the same. `key`
/// (dropout_key_words()), `from` and `to` lie in the GPU's memory; the key is read when the work is done. Fewer than
/// 2^32 rows. The Error of gpu_error() if the GPU refuses.
void enqueue_dropout(const DropPlan& plan, const std::int64_t* key, std::span<const float> from, std::span<float> to,
                     void* stream);
/// The same for bfloat16 numbers, given as their bits; each product is rounded to the nearest.
void enqueue_dropout(const DropPlan& plan, const std::int64_t* key, std::span<const std::uint16_t> from,
                     std::span<std::uint16_t> to, void* stream);

}  // namespace charrnn
