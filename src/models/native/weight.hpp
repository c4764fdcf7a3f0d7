// A weight matrix of the model, packed for the products of a training step.
#pragma once

#include <cstdint>

#include "base/range.hpp"
#include "models/native/aligned_buffer.hpp"
#include "models/native/kernels.hpp"
#include "models/native/micro_kernel.hpp"

namespace charrnn {

/// Rows of a row-major matrix as the right factor of a product: panels of 32 columns, one after the other,
/// each [rows, 32]. Rows and columns beyond the matrix are zero.
class Panels {
 public:
  void resize(std::int64_t rows, std::int64_t columns) {
    rows_ = rows;
    count_ = padded(columns) / kPanelWidth;
    memory_.grow(rows_ * count_ * kPanelWidth);
  }
  std::int64_t rows() const { return rows_; }
  std::int64_t count() const { return count_; }
  float* panel(std::int64_t number) { return memory_.data() + number * rows_ * kPanelWidth; }
  const float* panel(std::int64_t number) const { return memory_.data() + number * rows_ * kPanelWidth; }

  /// Copies rows [range) of a matrix whose rows are `stride` floats apart and padded().
  void pack_rows(const float* matrix, std::int64_t stride, const Range& range);
  /// Rows [range) become zero.
  void clear_rows(const Range& range);

 private:
  std::int64_t rows_ = 0, count_ = 0;
  AlignedBuffer memory_;
};

/// c [rows, 32 · panels] (+)= a [rows, depth] · rows [first_row, first_row + depth) of `b`.
struct Product {
  const float* a;
  std::int64_t a_stride;
  float* c;
  std::int64_t c_stride;
  std::int64_t rows;
  bool add;
};
void multiply(const Product& product, const Panels& b, const Range& panels, const Range& b_rows);
/// With all panels, for `blocks` blocks of rows, each `block_rows` after the one before in a and c.
void multiply_blocks(const Product& product, const Panels& b, std::int64_t blocks, std::int64_t block_rows);

/// W [gates · units, inputs]. Outside, each gate's units are padded(): an output row is [gates ·
/// padded(units)].
class Weight {
 public:
  /// `values` must outlive this.
  Weight(const float* values, std::int64_t gates, std::int64_t units, std::int64_t inputs)
      : values_(values), gates_(gates), units_(units), inputs_(inputs) {
    forward_.resize(inputs, gates * padded(units));
    backward_.resize(outputs(), inputs);
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
  /// W as a right factor, [outputs(), inputs].
  const Panels& backward() const { return backward_; }

  /// Adds `sums` [count, inputs], rows `stride` apart, to the rows of `gradient` (shaped as the weight) that
  /// belong to outputs [first, first + count), times `mask` unless it is null. Padding is left out.
  void add_to_gradient(std::int64_t first, std::int64_t count, const float* sums, std::int64_t stride,
                       const float* mask, float* gradient) const;

 private:
  const float* values_;
  std::int64_t gates_, units_, inputs_;
  Panels forward_, backward_;
};

}  // namespace charrnn
