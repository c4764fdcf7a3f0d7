// Dropout straight from a key, without a mask in memory: the work of one thread of a GPU. Any processor can do it, so
// tests compare it with dropout.hpp, whose numbers these are, without a GPU.
#pragma once

#include <array>
#include <cstdint>

#include "base/random.hpp"
#include "models/dropout.hpp"

namespace charrnn {

/// A DropoutKey as numbers in a device's memory: seed, step, first column.
inline std::array<std::int64_t, 3> dropout_key_words(const DropoutKey& key) {
  return {static_cast<std::int64_t>(key.seed), key.step, key.first_column};
}

/// Which draws decide about the elements of a tensor [time steps, columns, units]. A row is one column at one time
/// step.
struct DropPlan {
  Purpose purpose;
  std::uint32_t stream;   ///< of the run's first column
  std::uint32_t columns;  ///< of the tensor
  std::int64_t units;
  bool is_locked;  ///< all time steps have the draws of the first one
  DropRule rule;

  /// Philox blocks of eight draws in a row.
  constexpr std::int64_t blocks() const { return (units + kDrawsPerBlock - 1) / kDrawsPerBlock; }
};

/// What fill_dropout_mask() does for the output of `layer`.
inline DropPlan drop_outputs(std::int64_t layer, double p, bool is_locked, std::int64_t columns, std::int64_t units) {
  return {Purpose::kDropout, dropout_stream(layer, 0), static_cast<std::uint32_t>(columns), units, is_locked,
          DropRule(p)};
}

/// What fill_weight_mask() does for `size` weights: they are one row.
inline DropPlan drop_weights(std::int64_t layer, double p, std::int64_t size) {
  return {Purpose::kWeightDropout, static_cast<std::uint32_t>(layer), 1, size, false, DropRule(p)};
}

/// Multiplies the elements of one Philox block, of which `from` and `to` are the first ones, by their mask: number
/// `block` of row `row`. `key`: dropout_key_words().
template <typename Number>
constexpr void drop_block(const DropPlan& plan, const std::int64_t* key, std::uint32_t row, std::int64_t block,
                          const Number* from, Number* to) {
  const std::uint32_t first_column = plan.purpose == Purpose::kDropout ? static_cast<std::uint32_t>(key[2]) : 0;
  const RandomStream stream(static_cast<std::uint64_t>(key[0]), plan.purpose, static_cast<std::uint64_t>(key[1]),
                            plan.stream + first_column + row % plan.columns);
  const std::int64_t t = plan.is_locked ? 0 : row / plan.columns;
  const auto words = stream.block(static_cast<std::uint32_t>(t * plan.blocks() + block));
  const std::int64_t count = plan.units - block * kDrawsPerBlock;
#ifdef __CUDACC__
#pragma unroll
#endif
  for (std::int64_t i = 0; i < kDrawsPerBlock; ++i) {
    const std::uint32_t draw = words[i / 2] >> (16 * (i % 2)) & 0xFFFF;
    const float factor = draw < plan.rule.threshold ? 0 : plan.rule.keep;
    if (i < count) to[i] = static_cast<Number>(static_cast<float>(from[i]) * factor);
  }
}

}  // namespace charrnn
