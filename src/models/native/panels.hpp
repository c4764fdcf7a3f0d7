// Matrix products of the native engine.
#pragma once

#include <cstdint>

#include "base/range.hpp"
#include "models/native/aligned_buffer.hpp"
#include "models/native/bfloat16.hpp"
#include "models/native/kernels.hpp"
#include "models/native/micro_kernel.hpp"

namespace charrnn {

/// What the factors of a product are rounded to. Sums are float32, and so is everything outside products.
enum class Precision { kFp32, kBf16 };

/// Rows of a row-major matrix as the right factor of a product: panels of 32 columns, one after the other,
/// each [rows, 32]. Rows and columns beyond the matrix are zero. Bfloat16 numbers are kept as such where the
/// processor has units for them, elsewhere as float32 numbers with the same values.
class Panels {
 public:
  explicit Panels(Precision precision = Precision::kFp32)
      : precision_(precision), is_half_(precision == Precision::kBf16 && has_bf16_units()) {}

  void resize(std::int64_t rows, std::int64_t columns) {
    rows_ = rows;
    count_ = padded(columns) / kPanelWidth;
    memory_.grow(count_ * panel_size());
  }
  std::int64_t rows() const { return rows_; }
  std::int64_t count() const { return count_; }
  Precision precision() const { return precision_; }
  bool is_half() const { return is_half_; }

  /// A panel's numbers from row `row` on, which is even if is_half().
  const float* panel(std::int64_t number, std::int64_t row) const {
    return memory_.data() + number * panel_size() + row * kPanelWidth;
  }
  const std::uint16_t* half_panel(std::int64_t number, std::int64_t row) const {
    return reinterpret_cast<const std::uint16_t*>(memory_.data() + number * panel_size()) + row * kPanelWidth;
  }

  /// Calls work(set), where set(row, column, value) writes a number of one panel.
  template <class Work>
  void write(std::int64_t number, const Work& work) {
    float* to = memory_.data() + number * panel_size();
    if (is_half_) {
      auto* half = reinterpret_cast<std::uint16_t*>(to);
      work([half](std::int64_t row, std::int64_t column, float value) {
        half[row / 2 * 2 * kPanelWidth + 2 * column + row % 2] = static_cast<std::uint16_t>(bf16_bits(value));
      });
    } else if (precision_ == Precision::kBf16) {
      work([to](std::int64_t row, std::int64_t column, float value) {
        to[row * kPanelWidth + column] = rounded_to_bf16(value);
      });
    } else {
      work([to](std::int64_t row, std::int64_t column, float value) {
        to[row * kPanelWidth + column] = value;
      });
    }
  }

  /// Copies rows [range) of a matrix whose rows are `stride` floats apart and padded().
  void pack_rows(const float* matrix, std::int64_t stride, const Range& range);
  /// Rows [range) become zero.
  void clear_rows(const Range& range);

 private:
  /// Floats of memory. Of halves too: the odd row has room.
  std::int64_t panel_size() const { return (is_half_ ? (rows_ + 1) / 2 : rows_) * kPanelWidth; }

  Precision precision_;
  bool is_half_;
  std::int64_t rows_ = 0, count_ = 0;
  AlignedBuffer memory_;
};

/// Left factor a [rows, depth] and result c of a product; both row-major, their rows so many floats apart.
struct Product {
  const float* a;
  std::int64_t a_stride;
  float* c;
  std::int64_t c_stride;
  std::int64_t rows;
  bool add;  ///< to what is in c
};
/// c [rows, 32 · panels.count] = or += a · b, of b only these panels and rows, of which the first is even.
void multiply(const Product& product, const Panels& b, const Range& panels, const Range& b_rows);
/// With all of b, for `blocks` blocks of rows, each `block_rows` after the one before in a and c.
void multiply_blocks(const Product& product, const Panels& b, std::int64_t blocks, std::int64_t block_rows);

}  // namespace charrnn
