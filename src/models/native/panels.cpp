#include "models/native/panels.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/rounding.hpp"

namespace charrnn {

namespace {

/// Rows of the left factor, rounded to what the right one is rounded to; a thread's own.
class LeftFactor {
 public:
  /// Of `blocks` blocks of product.rows rows, each `block_rows` after the one before.
  LeftFactor(const Product& product, const Panels& b, std::int64_t depth, std::int64_t blocks,
             std::int64_t block_rows)
      : is_half_(b.is_half()) {
    if (b.precision() == Precision::kFp32) {
      floats_ = product.a;
      stride_ = product.a_stride;
      block_size_ = block_rows * stride_;
      return;
    }
    static thread_local AlignedBuffer memory;
    constexpr std::int64_t kLine = 16;  // floats of a cache line
    stride_ = round_up(depth, kLine);
    block_size_ = product.rows * stride_;
    memory.grow(blocks * block_size_);
    floats_ = memory.data();
    for (std::int64_t row = 0; row < blocks * product.rows; ++row) {
      const std::int64_t block = row / product.rows, of_block = row % product.rows;
      const float* from = product.a + (block * block_rows + of_block) * product.a_stride;
      if (is_half_) {
        std::uint16_t* to = reinterpret_cast<std::uint16_t*>(memory.data()) + row * stride_;
        kernels().to_bf16(depth, from, to);
        if (depth % 2 != 0) to[depth] = 0;
      } else {
        kernels().round_to_bf16(depth, from, memory.data() + row * stride_);
      }
    }
  }

  /// Of one block: c [rows, 32] (+)= its rows · panel `number` of b from row `first_row` on.
  void multiply_panel(std::int64_t block, std::int64_t rows, const Panels& b, std::int64_t number,
                      std::int64_t first_row, std::int64_t depth, float* c, std::int64_t c_stride,
                      bool add) const {
    if (is_half_) {
      const auto* halves = reinterpret_cast<const std::uint16_t*>(floats_) + block * block_size_;
      charrnn::multiply_panel(halves, stride_, rows, b.half_panel(number, first_row), depth + depth % 2, c,
                              c_stride, add);
    } else {
      for (std::int64_t k = 0; k < depth; k += kDepth) {
        charrnn::multiply_panel(floats_ + block * block_size_ + k, stride_, rows,
                                b.panel(number, first_row + k), b.stride(), std::min(kDepth, depth - k), c,
                                c_stride, add || k > 0);
      }
    }
  }

 private:
  /// Floats of a row that are multiplied before the next row's: what many rows read of the panel stays in the
  /// first two caches.
  static constexpr std::int64_t kDepth = 512;

  bool is_half_;
  const float* floats_ = nullptr;
  std::int64_t stride_ = 0, block_size_ = 0;
};

}  // namespace

void Panels::set(std::int64_t number, std::int64_t row, std::int64_t rows, std::int64_t columns,
                 const float* from, std::int64_t stride) {
  float* to = place(number, row);
  if (is_half_) {
    kernels().to_bf16_pairs(rows, columns, from, stride, reinterpret_cast<std::uint32_t*>(to), kPanelWidth);
    return;
  }
  if (precision_ == Precision::kFp32) {
    kernels().copy_rows(rows, columns, from, stride, to, kPanelWidth);
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    kernels().round_to_bf16(columns, from + i * stride, to + i * kPanelWidth);
  }
}

void Panels::set_transposed(std::int64_t number, std::int64_t row, std::int64_t rows, std::int64_t columns,
                            const float* from, std::int64_t stride) {
  if (precision_ == Precision::kFp32) {
    kernels().transpose(columns, rows, from, stride, place(number, row), kPanelWidth);
    return;
  }
  constexpr std::int64_t kRows = 32;
  alignas(64) std::array<float, kRows * kPanelWidth> turned;
  for (std::int64_t first = 0; first < rows; first += kRows) {
    const std::int64_t count = std::min(kRows, rows - first);
    kernels().transpose(columns, count, from + first, stride, turned.data(), kPanelWidth);
    set(number, row + first, count, columns, turned.data(), kPanelWidth);
  }
}

void Panels::pack_rows(const float* matrix, std::int64_t stride, std::int64_t rows, const Range& range) {
  const std::int64_t end = std::clamp(rows, range.first, range.end());
  for (std::int64_t p = 0; p < count_; ++p) {
    set(p, range.first, end - range.first, kPanelWidth, matrix + range.first * stride + p * kPanelWidth,
        stride);
    std::fill(place(p, end), place(p, range.end()), 0.0F);
  }
}

void multiply(const Product& product, const Panels& b, const Range& panels, const Range& b_rows) {
  if (product.rows == 0) return;
  const LeftFactor left(product, b, b_rows.count, 1, 0);
  for (std::int64_t p = panels.first; p < panels.end(); ++p) {
    left.multiply_panel(0, product.rows, b, p, b_rows.first, b_rows.count,
                        product.c + (p - panels.first) * kPanelWidth, product.c_stride, product.add);
  }
}

void multiply_blocks(const Product& product, const Panels& b, std::int64_t blocks, std::int64_t block_rows) {
  if (product.rows == 0) return;
  const LeftFactor left(product, b, b.rows(), blocks, block_rows);
  // Panel by panel: one stays in the cache for all blocks.
  for (std::int64_t p = 0; p < b.count(); ++p) {
    for (std::int64_t block = 0; block < blocks; ++block) {
      left.multiply_panel(block, product.rows, b, p, 0, b.rows(),
                          product.c + block * block_rows * product.c_stride + p * kPanelWidth,
                          product.c_stride, product.add);
    }
  }
}

}  // namespace charrnn
