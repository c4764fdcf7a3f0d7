// Dropout masks as a pure function of (seed, step, layer, column, time step, unit): a column's mask does not depend on
// which rank works on it.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "models/language_model.hpp"

namespace charrnn {

// The bits of a random stream's last coordinate: a layer's number in the upper 8, a global column in the lower 24. They
// are part of a run's meaning: a resumed run must draw the same masks.

/// Columns of a run are fewer than this.
inline constexpr std::int64_t kColumnLimit = std::int64_t{1} << 24;
/// In place of a layer's number: the embedded characters. Layers are numbered below it.
inline constexpr std::int64_t kInputMask = 255;

/// The coordinate of a layer's (or kInputMask's) mask for a global column.
constexpr std::uint32_t dropout_stream(std::int64_t layer, std::int64_t column) {
  return static_cast<std::uint32_t>(layer * kColumnLimit + column);
}

/// 16-bit draws in a Philox block of four 32-bit words.
inline constexpr std::int64_t kDrawsPerBlock = 8;

/// A 16-bit draw below `threshold` drops an element; else the element is multiplied with `keep`.
struct DropRule {
  explicit DropRule(double p)
      : threshold(static_cast<std::uint32_t>(std::lround(65536 * p))), keep(static_cast<float>(1 / (1 - p))) {}

  std::uint32_t threshold;
  float keep;
};

/// Fills the columns [first, last) of `mask` [length, columns, hidden] for the output of `layer`: 0 with
/// probability p, else 1 / (1 − p). The 16-bit draws of (time step t, unit u) of a column are the half words, low half
/// first, of Philox blocks t·⌈hidden/8⌉ + u div 8 of stream (seed, kDropout, step, dropout_stream(layer, global
/// column)); a draw below round(65536 p) drops.
void fill_dropout_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t length, std::int64_t columns,
                       std::int64_t hidden, std::int64_t first, std::int64_t last, std::span<float> mask);

/// Fills blocks of eight elements [first, last) of a mask for the hidden-to-hidden weights of `layer`, in the
/// same way: element i has draw i mod 8 of Philox block i div 8 of stream (seed, kWeightDropout, step,
/// layer). The same on every rank.
void fill_weight_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t first, std::int64_t last,
                      std::span<float> mask);

}  // namespace charrnn
