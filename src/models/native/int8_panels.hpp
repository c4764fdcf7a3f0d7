// Products with weights of 8 bits, for models that only predict.
#pragma once

#include <cstdint>

#include "base/aligned_buffer.hpp"
#include "base/range.hpp"
#include "models/native/int8_product.hpp"
#include "models/native/kernels.hpp"

namespace charrnn {

/// A matrix as the right factor of products, each column as integers of 8 bits and a scale. Its panels are of 32 columns,
/// as those of Panels; numbers of a column follow one another.
class Int8Panels {
 public:
  void resize(std::int64_t rows, std::int64_t panels);
  std::int64_t bytes() const { return (numbers_.size() + scales_.size()) * static_cast<std::int64_t>(sizeof(float)); }

  /// Rounds `from`, whose `columns` rows, `stride` floats apart, become the columns from a panel's first on.
  void set_transposed(std::int64_t panel, std::int64_t columns, const float* from, std::int64_t stride);

  /// The columns from a panel on, their numbers from row `row` on.
  ScaledRows<std::int8_t> columns(std::int64_t panel, std::int64_t row) const;

 private:
  std::int64_t rows_ = 0, stride_ = 0;
  AlignedBuffer numbers_, scales_;
};

/// The left factor: rows as integers of 16 bits, each with a scale. Products are sums of integers, exact in any order. A
/// thread can have one at a time.
class Int16Rows {
 public:
  Int16Rows() = default;
  /// `row(i)` is where row i begins, of `count` that are `depth` long.
  template <class Row>
  Int16Rows(std::int64_t count, std::int64_t depth, const Row& row) : Int16Rows(count, depth) {
    for (std::int64_t i = 0; i < count; ++i) set(i, row(i));
  }

  /// c [rows.count, 32 · panels.count] = these rows times these panels of b, or += if `add`.
  void multiply(const Range& rows, float* c, std::int64_t c_stride, bool add, const Int8Panels& b,
                const Range& panels) const;

 private:
  Int16Rows(std::int64_t count, std::int64_t depth);
  void set(std::int64_t number, const float* from);

  std::int64_t depth_ = 0, stride_ = 0;
  std::int16_t* numbers_ = nullptr;
  float* scales_ = nullptr;
};

}  // namespace charrnn
