#include "models/native/int8_panels.hpp"

#include <algorithm>

#include "models/native/micro_kernel.hpp"

namespace charrnn {

namespace {

constexpr std::int64_t kLine = 64;  // bytes; rows are whole ones, so that no loop over them needs a remainder

template <class Integer>
constexpr std::int64_t whole_lines(std::int64_t count) {
  return round_up(count, kLine / static_cast<std::int64_t>(sizeof(Integer)));
}

/// Floats that take as much memory.
template <class Integer>
constexpr std::int64_t floats(std::int64_t count) {
  return count * static_cast<std::int64_t>(sizeof(Integer)) / static_cast<std::int64_t>(sizeof(float));
}

}  // namespace

void Int8Panels::resize(std::int64_t rows, std::int64_t panels) {
  rows_ = rows;
  stride_ = whole_lines<std::int8_t>(rows);
  numbers_.grow(floats<std::int8_t>(panels * kPanelWidth * stride_));
  scales_.grow(panels * kPanelWidth);
}

void Int8Panels::set_transposed(std::int64_t panel, std::int64_t columns, const float* from, std::int64_t stride) {
  const std::int64_t first = panel * kPanelWidth;
  auto* const numbers = reinterpret_cast<std::int8_t*>(numbers_.data());
  for (std::int64_t i = 0; i < columns; ++i) {
    scales_.data()[first + i] = kernels().quantise_to_int8(rows_, from + i * stride, numbers + (first + i) * stride_);
  }
}

ScaledRows<std::int8_t> Int8Panels::columns(std::int64_t panel, std::int64_t row) const {
  const std::int64_t first = panel * kPanelWidth;
  return {reinterpret_cast<const std::int8_t*>(numbers_.data()) + first * stride_ + row, stride_,
          scales_.data() + first};
}

Int16Rows::Int16Rows(std::int64_t count, std::int64_t depth)
    : depth_(depth), stride_(whole_lines<std::int8_t>(depth) + kLine / 2) {  // rows a power of two apart share few sets
  static thread_local AlignedBuffer numbers, scales;
  numbers.grow(floats<std::int16_t>(count * stride_));
  scales.grow(count);
  numbers_ = reinterpret_cast<std::int16_t*>(numbers.data());
  scales_ = scales.data();
}

void Int16Rows::set(std::int64_t number, const float* from) {
  std::int16_t* const to = numbers_ + number * stride_;
  scales_[number] = kernels().quantise_to_int16(depth_, from, to);
  std::fill(to + depth_, to + whole_lines<std::int8_t>(depth_), std::int16_t{0});
}

void Int16Rows::multiply(const Range& rows, float* c, std::int64_t c_stride, bool add, const Int8Panels& b,
                         const Range& panels) const {
  const std::int64_t all = whole_lines<std::int8_t>(depth_);
  for (std::int64_t k = 0; k < all; k += kInt8Depth) {
    kernels().multiply_int8(rows.count, panels.count * kPanelWidth, std::min(kInt8Depth, all - k),
                            {numbers_ + rows.first * stride_ + k, stride_, scales_ + rows.first},
                            b.columns(panels.first, k), c, c_stride, add || k > 0);
  }
}

}  // namespace charrnn
