// Matrix products of the native engine.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "base/aligned_buffer.hpp"
#include "base/range.hpp"
#include "models/native/int8_panels.hpp"
#include "models/native/kernels.hpp"
#include "models/native/micro_kernel.hpp"
#include "models/precision.hpp"

namespace charrnn {

/// Rows of a row-major matrix, `stride` floats apart, in `blocks` blocks that begin `block_rows` rows apart.
struct MatrixRows {
  const float* first;
  std::int64_t stride;
  std::int64_t rows;  ///< of a block
  std::int64_t blocks = 1;
  std::int64_t block_rows = 0;

  std::int64_t count() const { return rows * blocks; }
  bool lie_together() const { return blocks == 1 || rows == block_rows; }
  const float* row(std::int64_t number) const { return first + (number / rows * block_rows + number % rows) * stride; }
  /// Pointers to rows [begin, begin + size).
  void find(std::int64_t begin, std::int64_t size, const float** found) const {
    if (size == 0) return;
    std::int64_t block = begin / rows, row = begin % rows;
    for (std::int64_t i = 0; i < size; ++i) {
      found[i] = first + (block * block_rows + row) * stride;
      if (++row == rows) {
        row = 0;
        ++block;
      }
    }
  }
};

/// What the factors of products are rounded to where `precision` is asked for: for kTf32 nothing, where that would not be
/// faster.
inline Precision panel_precision(Precision precision) {
  return precision == Precision::kTf32 && !has_matrix_units() ? Precision::kFp32 : precision;
}

/// A matrix as the right factor of products, packed into panels of 32 columns, each [rows, 32]. A few panels lie side
/// by side and form a block; blocks follow one another. Rows and columns beyond the matrix are zero. Or the panels are
/// a view of the matrix itself. Bfloat16 numbers are stored in 16 bits where the processor can multiply them, elsewhere
/// as float32 numbers of the same values. For Precision::kTf32 a number is the sum of two bfloat16 numbers, its high and
/// its low part, where the processor has_matrix_units(); elsewhere it is float32. For Precision::kInt8 the panels are
/// Int8Panels, which only set_transposed() fills, all rows at once.
class Panels {
 public:
  explicit Panels(Precision precision = Precision::kFp32)
      : precision_(panel_precision(precision)),
        is_half_(precision_ != Precision::kFp32 && !is_int8() && has_bf16_units()),
        side_by_side_(is_half_ ? kHalvesAtOnce : panels_at_once()) {}

  void resize(std::int64_t rows, std::int64_t columns) {
    rows_ = rows;
    count_ = padded(columns) / kPanelWidth;
    if (is_int8()) return int8_.resize(rows, count_);
    memory_.grow((is_split() ? 2 : 1) * high_size());
    data_ = memory_.data();
    stride_ = 0;
    apart_ = size_of_rows(rows_);
  }
  /// Float32 only: a view of the matrix, whose rows are padded() and `stride` floats apart. It must outlive this view.
  void view(const float* matrix, std::int64_t stride, std::int64_t rows, std::int64_t columns) {
    rows_ = rows;
    count_ = padded(columns) / kPanelWidth;
    data_ = matrix;
    stride_ = stride;
    apart_ = kPanelWidth;
  }
  std::int64_t count() const { return count_; }
  std::int64_t bytes() const {
    return is_int8() ? int8_.bytes() : (is_split() ? 2 : 1) * high_size() * static_cast<std::int64_t>(sizeof(float));
  }
  /// What the factors are rounded to.
  Precision precision() const { return precision_; }
  bool is_half() const { return is_half_; }
  /// Whether numbers have a low part.
  bool is_split() const { return precision_ == Precision::kTf32; }
  bool is_int8() const { return precision_ == Precision::kInt8; }
  const Int8Panels& int8() const { return int8_; }

  /// A panel's numbers from row `row` on: 16-bit ones if is_half(); then `row` is even.
  const float* panel(std::int64_t number, std::int64_t row) const { return data_ + offset(number, row); }
  /// The same of the low parts, if is_split().
  const float* low_panel(std::int64_t number, std::int64_t row) const { return panel(number, row) + high_size(); }
  /// How many panels lie side by side from `number` on.
  std::int64_t together(std::int64_t number) const { return end_of_block(number) - number; }
  /// Floats from one row of a panel to the next; if is_half(), from one pair of rows to the next.
  std::int64_t stride(std::int64_t number) const {
    return stride_ != 0 ? stride_ : (end_of_block(number) - block_begin(number)) * kPanelWidth;
  }

  // Threads can write different rows at the same time, if each begins with an even one.

  // Panels that lie side by side are best written together: then whole lines of memory follow one another.

  /// Writes `from` [rows, columns ≤ 32 · together(number)], its rows `stride` floats apart, to the panels from `number`
  /// on, from row `row` on, which is even. Other columns stay as they are.
  void set(std::int64_t number, std::int64_t row, std::int64_t rows, std::int64_t columns, const float* from,
           std::int64_t stride);
  /// The same with the transpose of `from` [columns, rows].
  void set_transposed(std::int64_t number, std::int64_t row, std::int64_t rows, std::int64_t columns, const float* from,
                      std::int64_t stride);

  /// Writes the matrix, whose rows are padded(), to the panels from row `base` on, but only its rows in `range`; rows
  /// beyond the matrix become zero. `base` and range.first are even.
  void pack_rows(const MatrixRows& matrix, std::int64_t base, const Range& range);

 private:
  /// Floats of memory for a panel. For 16-bit numbers an odd last row takes a pair's room.
  std::int64_t size_of_rows(std::int64_t rows) const { return (is_half_ ? (rows + 1) / 2 : rows) * kPanelWidth; }
  /// Floats of memory for all panels; if is_split(), of the high parts, which the low parts follow.
  std::int64_t high_size() const { return count_ * size_of_rows(rows_); }
  /// Of all panels that lie together from `number` on.
  void clear(std::int64_t number, std::int64_t row, std::int64_t rows);

  std::int64_t block_begin(std::int64_t number) const { return number / side_by_side_ * side_by_side_; }
  std::int64_t end_of_block(std::int64_t number) const { return std::min(block_begin(number) + side_by_side_, count_); }
  std::int64_t offset(std::int64_t number, std::int64_t row) const {
    const std::int64_t begin = block_begin(number), line = is_half_ ? (row + 1) / 2 : row;
    return begin * apart_ + line * stride(number) + (number - begin) * kPanelWidth;
  }

  /// For a single panel of 16-bit numbers, setting AMX up costs as much as the product.
  static constexpr std::int64_t kHalvesAtOnce = 4;
  static constexpr std::int64_t kMostColumns = kHalvesAtOnce * kPanelWidth;  ///< of panels side by side

  Precision precision_;
  bool is_half_;
  std::int64_t side_by_side_;
  std::int64_t rows_ = 0, count_ = 0;
  AlignedBuffer memory_;
  Int8Panels int8_;
  const float* data_ = nullptr;  ///< memory_, or the matrix
  std::int64_t stride_ = 0;      ///< the matrix's
  std::int64_t apart_ = 0;       ///< floats from panel to panel, of whole blocks
};

/// The left factor of products, rounded like their right factors. A thread can have one at a time.
class LeftFactor {
 public:
  /// a [rows, depth], for products with panels like `b`.
  LeftFactor(const MatrixRows& a, std::int64_t depth, const Panels& b);
  /// The transpose of `columns` columns, a multiple of 16, from `first` on, of the matrix that has these rows, with
  /// zeros up to `depth`, a multiple of 16: [columns, depth].
  LeftFactor(std::span<const float* const> rows, std::int64_t first, std::int64_t columns, std::int64_t depth,
             const Panels& b);

  /// c = a · b, or c += a · b if `add`. c [rows, 32 · panels.count] has rows `c_stride` floats apart, in blocks like
  /// those of a. Of b only these panels are used, and `depth` rows from `b_row` on, which is even.
  void multiply(float* c, std::int64_t c_stride, bool add, const Panels& b, const Range& panels,
                std::int64_t b_row = 0) const;

 private:
  /// Makes `rows_` point to room in the thread's memory, of as many rows; the low parts' follows it.
  void take_room(std::int64_t rows, std::int64_t blocks, const Panels& b);

  std::int64_t depth_;
  std::int64_t block_rows_;  ///< of a as it was given, and of c
  bool is_half_;
  float* room_ = nullptr;
  float* low_room_ = nullptr;  ///< of split numbers, laid out as the high parts
  std::int64_t line_ = 0;      ///< floats of room from row to row
  MatrixRows rows_;            ///< rounded; if is_half_, `first` points to 16-bit numbers and `stride` counts them
  Int16Rows int16_;            ///< instead, for panels that are is_int8()
};

}  // namespace charrnn
