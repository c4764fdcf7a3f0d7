// Dropout of the native engine: one layer's mask for the window at hand.
#pragma once

#include <cstdint>
#include <optional>

#include "base/aligned_buffer.hpp"
#include "base/range.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// Rows are numbered t · columns + column. A locked mask is the same at every time step.
class DropoutMask {
 public:
  /// For the outputs of `layer`, or for the embedded characters (kInputMask, models/dropout.hpp): rows of `units`,
  /// dropped with probability `p`.
  DropoutMask(std::int64_t layer, double p, std::int64_t units, bool is_locked)
      : layer_(layer), p_(p), units_(units), is_locked_(is_locked) {}

  /// A new window; without a key, or with p = 0, nothing is dropped.
  void start(const std::optional<DropoutKey>& key, std::int64_t length, std::int64_t columns);
  bool is_on() const { return is_on_; }

  /// Makes the mask of these columns; must come before its use. Does nothing if it is not on.
  void draw(const Range& columns);
  const float* row(std::int64_t row) const { return values_.data() + row % rows() * units_; }
  /// to = from · mask on these columns and units, both [length · columns, stride]; `to` may be `from`.
  void apply(const Range& columns, const Range& units, const float* from, float* to,
             std::int64_t stride) const;

 private:
  std::int64_t rows() const { return (is_locked_ ? 1 : length_) * columns_; }

  std::int64_t layer_;
  double p_;
  std::int64_t units_;
  bool is_locked_;
  bool is_on_ = false;
  DropoutKey key_;
  std::int64_t length_ = 0, columns_ = 0;
  AlignedBuffer values_;  ///< [rows(), units]
};

}  // namespace charrnn
