// Dropout masks as a pure function of the place, so that a column's mask does not depend on which rank has
// it.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "models/language_model.hpp"

namespace charrnn {

/// Of a Philox block: four words of two halves.
inline constexpr std::int64_t kDrawsPerBlock = 8;

/// What happens to an element: a 16-bit draw below `threshold` drops it, else it is multiplied with `keep`.
struct DropRule {
  explicit DropRule(double p)
      : threshold(static_cast<std::uint32_t>(std::lround(65536 * p))),
        keep(static_cast<float>(1 / (1 - p))) {}

  std::uint32_t threshold;
  float keep;
};

/// In place of a layer's number: the embedded characters.
inline constexpr std::int64_t kInputMask = 255;

/// Fills the columns [first, last) of `mask` [length, columns, hidden] for the output of `layer`: 0 with
/// probability p, else 1 / (1 − p). The 16-bit draws of (row t, unit u) of a column are the half words, low
/// half first, of Philox blocks t·⌈hidden/8⌉ + u div 8 of stream (seed, kDropout, step, layer·2²⁴ + global
/// column); a draw below round(65536 p) drops.
void fill_dropout_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t length,
                       std::int64_t columns, std::int64_t hidden, std::int64_t first, std::int64_t last,
                       std::span<float> mask);

/// Fills blocks of eight elements [first, last) of a mask for the hidden-to-hidden weights of `layer`, in the
/// same way: element i has draw i mod 8 of Philox block i div 8 of stream (seed, kWeightDropout, step,
/// layer). The same on every rank.
void fill_weight_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t first,
                      std::int64_t last, std::span<float> mask);

}  // namespace charrnn
