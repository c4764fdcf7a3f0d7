// A weight matrix of the model, packed for the products of a training step.
#pragma once

#include <cstdint>

#include "models/native/panels.hpp"

namespace charrnn {

/// W [gates · units, inputs]. Outside, each gate's units are padded(): an output row is [gates ·
/// padded(units)].
class Weight {
 public:
  /// `values` must outlive this.
  Weight(const float* values, std::int64_t gates, std::int64_t units, std::int64_t inputs, Precision precision)
      : values_(values), gates_(gates), units_(units), inputs_(inputs), forward_(precision), backward_(precision) {
    forward_.resize(inputs, gates * padded(units));
    if (trains()) backward_.resize(outputs(), inputs);
  }

  std::int64_t inputs() const { return inputs_; }
  std::int64_t units() const { return units_; }
  std::int64_t outputs() const { return gates_ * padded(units_); }
  std::int64_t size() const { return gates_ * units_ * inputs_; }

  /// Packs share `part` of `parts` of the values as they are now, times `mask` (the same shape) unless it is
  /// null.
  void pack(std::int64_t part, std::int64_t parts, const float* mask);

  /// Wᵀ as a right factor, [inputs, outputs()].
  const Panels& forward() const { return forward_; }
  /// W as a right factor, [outputs(), inputs]. Not in int8, in which nothing is trained.
  const Panels& backward() const { return backward_; }

  /// The rows of `gradient` (shaped as the weight) from output `first` on, if there is no padding in between
  /// or in them that would have to be left out; else null.
  float* rows_in_place(std::int64_t first, float* gradient) const {
    const bool is_padded = units_ % kPanelWidth != 0 || inputs_ % kPanelWidth != 0;
    return is_padded ? nullptr : gradient + first * inputs_;
  }
  /// Multiplies `sums` [count, inputs], rows `stride` apart, which belong to outputs [first, first + count),
  /// with `mask` (shaped as the weight).
  void mask_rows(std::int64_t first, std::int64_t count, const float* mask, float* sums, std::int64_t stride) const;
  /// Puts such sums where they belong in `gradient` (shaped as the weight). Padding is left out.
  void put_gradient(std::int64_t first, std::int64_t count, const float* sums, std::int64_t stride,
                    float* gradient) const;

 private:
  bool trains() const { return !forward_.is_int8(); }
  /// Where output `output` begins in a matrix shaped as the weight; −1: it is padding.
  std::int64_t row_of(std::int64_t output) const {
    const std::int64_t gate = output / padded(units_), unit = output % padded(units_);
    return unit < units_ ? (gate * units_ + unit) * inputs_ : -1;
  }

  const float* values_;
  std::int64_t gates_, units_, inputs_;
  Panels forward_, backward_;
};

}  // namespace charrnn
