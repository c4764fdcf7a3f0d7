#include "models/native/panels.hpp"

#include <algorithm>
#include <array>

#include "base/range.hpp"

namespace charrnn {

namespace {

constexpr std::int64_t kRowsAtOnce = 32;  // on their way through the first cache; even

}  // namespace

void Panels::set(std::int64_t number, std::int64_t row, std::int64_t rows, std::int64_t columns, const float* from,
                 std::int64_t stride) {
  float* to = memory_.data() + offset(number, row);
  const std::int64_t to_stride = this->stride(number);
  if (is_split()) {
    auto* high = reinterpret_cast<std::uint32_t*>(to);
    kernels().split_to_bf16_pairs(rows, columns, from, stride, high, high + high_size(), to_stride);
    return;
  }
  if (is_half_) {
    kernels().to_bf16_pairs(rows, columns, from, stride, reinterpret_cast<std::uint32_t*>(to), to_stride);
    return;
  }
  if (precision_ == Precision::kFp32) {
    kernels().copy_rows(rows, columns, from, stride, to, to_stride);
    return;
  }
  for (std::int64_t i = 0; i < rows; ++i) {
    kernels().round_to_bf16(columns, from + i * stride, to + i * to_stride);
  }
}

void Panels::set_transposed(std::int64_t number, std::int64_t row, std::int64_t rows, std::int64_t columns,
                            const float* from, std::int64_t stride) {
  std::array<const float*, kPanelWidth> found;
  MatrixRows{from, stride, columns}.find(0, columns, found.data());
  if (precision_ == Precision::kFp32) {
    kernels().transpose(columns, rows, found.data(), 0, memory_.data() + offset(number, row), this->stride(number));
    return;
  }
  alignas(64) std::array<float, kRowsAtOnce * kPanelWidth> turned;
  for (std::int64_t first = 0; first < rows; first += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, rows - first);
    kernels().transpose(columns, count, found.data(), first, turned.data(), kPanelWidth);
    set(number, row + first, count, columns, turned.data(), kPanelWidth);
  }
}

void Panels::clear(std::int64_t number, std::int64_t row, std::int64_t rows) {
  const std::int64_t step = is_half_ ? 2 : 1;  // of an odd row's pair, set() has cleared what is missing
  for (std::int64_t at = round_up(row, step); at < row + rows; at += step) {
    float* const line = memory_.data() + offset(number, at);
    std::fill_n(line, kPanelWidth, 0.0F);
    if (is_split()) std::fill_n(line + high_size(), kPanelWidth, 0.0F);
  }
}

void Panels::pack_rows(const MatrixRows& matrix, std::int64_t base, const Range& range) {
  const std::int64_t end = std::clamp(matrix.count(), range.first, range.end());
  for (std::int64_t p = 0; p < count_; ++p) {
    if (matrix.lie_together()) {
      set(p, base + range.first, end - range.first, kPanelWidth,
          matrix.first + range.first * matrix.stride + p * kPanelWidth, matrix.stride);
    }
    clear(p, base + end, range.end() - end);
  }
  if (matrix.lie_together()) return;
  std::array<const float*, kRowsAtOnce> found;
  alignas(64) std::array<float, kRowsAtOnce * kPanelWidth> together;
  for (std::int64_t row = range.first; row < end; row += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, end - row);
    matrix.find(row, count, found.data());
    for (std::int64_t p = 0; p < count_; ++p) {
      for (std::int64_t i = 0; i < count; ++i) {
        std::copy_n(found[static_cast<std::size_t>(i)] + p * kPanelWidth, kPanelWidth,
                    together.data() + i * kPanelWidth);
      }
      set(p, base + row, count, kPanelWidth, together.data(), kPanelWidth);
    }
  }
}

LeftFactor::LeftFactor(const MatrixRows& a, std::int64_t depth, const Panels& b)
    : rows_(a), depth_(depth), block_rows_(a.block_rows), is_half_(b.is_half()) {
  if (b.precision() == Precision::kFp32) return;
  static thread_local AlignedBuffer memory;
  // Whole cache lines of 16-bit numbers, and one more: rows a power of two apart share few sets of a cache.
  constexpr std::int64_t kLine = 32;
  const std::int64_t stride = round_up(depth, kLine) + kLine, count = a.blocks * a.rows;
  memory.grow(count * stride);
  rows_ = {memory.data(), stride, a.rows, a.blocks, a.rows};
  auto* const halves = reinterpret_cast<std::uint16_t*>(memory.data());
  auto* const low = halves + count * stride;
  if (b.is_split()) low_ = low;
  for (std::int64_t row = 0; row < count; ++row) {
    const float* from = nullptr;
    a.find(row, 1, &from);
    std::uint16_t* const to = halves + row * stride;
    if (b.is_split()) {
      kernels().split_to_bf16(depth, from, to, low + row * stride);
    } else if (is_half_) {
      kernels().to_bf16(depth, from, to);
    } else {
      kernels().round_to_bf16(depth, from, memory.data() + row * stride);
    }
    if (!is_half_ || depth % 2 == 0) continue;
    to[depth] = 0;
    if (b.is_split()) low[row * stride + depth] = 0;
  }
}

void LeftFactor::multiply(float* c, std::int64_t c_stride, bool add, const Panels& b, const Range& panels,
                          std::int64_t b_row) const {
  // Depth that is multiplied before going to the next rows: the part of the panels that all rows read stays in the
  // first two caches. 16-bit numbers are multiplied in one go, unless they are read more than once.
  constexpr std::int64_t kDepth = 512;
  const std::int64_t depth_at_once = is_half_ && low_ == nullptr ? depth_ : kDepth;
  if (rows_.rows == 0) return;
  for (std::int64_t p = 0, at_once = 0; p < panels.count; p += at_once) {
    const std::int64_t number = panels.first + p, stride = b.stride(number);
    at_once = std::min(b.together(number), panels.count - p);
    // What is read of the panels stays in the cache for all blocks.
    for (std::int64_t k = 0; k < depth_; k += depth_at_once) {
      const std::int64_t depth = std::min(depth_at_once, depth_ - k);
      const float* right = b.panel(number, b_row + k);
      for (std::int64_t block = 0; block < rows_.blocks; ++block) {
        float* to = c + block * block_rows_ * c_stride + p * kPanelWidth;
        const std::int64_t first = block * rows_.block_rows * rows_.stride + k;
        if (!is_half_) {
          multiply_panels(rows_.first + first, rows_.stride, rows_.rows, right, at_once, stride, depth, to, c_stride,
                          add || k > 0);
          continue;
        }
        const auto multiply_halves = [&](const std::uint16_t* left, const float* panel, bool adds) {
          multiply_panels(left + first, rows_.stride, rows_.rows, reinterpret_cast<const std::uint16_t*>(panel),
                          at_once, stride, depth + depth % 2, to, c_stride, adds);
        };
        const auto* high = reinterpret_cast<const std::uint16_t*>(rows_.first);
        multiply_halves(high, right, add || k > 0);
        if (low_ == nullptr) continue;
        multiply_halves(low_, right, true);
        multiply_halves(high, b.low_panel(number, b_row + k), true);
      }
    }
  }
}

}  // namespace charrnn
