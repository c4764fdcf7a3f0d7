#include "models/native/panels.hpp"

#include <algorithm>
#include <array>

#include "base/range.hpp"

namespace charrnn {

namespace {

constexpr std::int64_t kRowsAtOnce = 32;  // on their way through the first cache; even
constexpr std::int64_t kLine = 16;        // floats of a cache line

/// A row as 16-bit numbers, two in a float's room, an odd last one beside a zero; with its low part unless that is null.
void round_row(const float* from, std::int64_t size, float* to, float* low) {
  auto* const halves = reinterpret_cast<std::uint16_t*>(to);
  auto* const low_halves = reinterpret_cast<std::uint16_t*>(low);
  if (low != nullptr) {
    kernels().split_to_bf16(size, from, halves, low_halves);
  } else {
    kernels().to_bf16(size, from, halves);
  }
  if (size % 2 == 0) return;
  halves[size] = 0;
  if (low != nullptr) low_halves[size] = 0;
}

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
  if (is_int8()) return int8_.set_transposed(number, columns, from, stride);
  float* const to = memory_.data() + offset(number, row);
  const std::int64_t to_stride = this->stride(number);
  std::array<const float*, kMostColumns> found;
  if (is_half_) {
    // Rounded first: a pair of 16-bit numbers changes places as one of 32 bits.
    static thread_local AlignedBuffer memory;
    const std::int64_t pairs = (rows + 1) / 2, line = round_up(pairs, kLine) + kLine;
    const std::int64_t parts = is_split() ? 2 : 1;
    memory.grow(parts * columns * line);
    for (std::int64_t i = 0; i < columns; ++i) {
      float* const high = memory.data() + i * line;
      round_row(from + i * stride, rows, high, is_split() ? high + columns * line : nullptr);
    }
    for (std::int64_t part = 0; part < parts; ++part) {
      MatrixRows{memory.data() + part * columns * line, line, columns}.find(0, columns, found.data());
      kernels().transpose(columns, pairs, found.data(), 0, to + part * high_size(), to_stride);
    }
    return;
  }
  MatrixRows{from, stride, columns}.find(0, columns, found.data());
  kernels().transpose(columns, rows, found.data(), 0, to, to_stride);
  if (precision_ == Precision::kFp32) return;
  for (std::int64_t i = 0; i < rows; ++i) kernels().round_to_bf16(columns, to + i * to_stride, to + i * to_stride);
}

void Panels::clear(std::int64_t number, std::int64_t row, std::int64_t rows) {
  const std::int64_t step = is_half_ ? 2 : 1;  // of an odd row's pair, set() has cleared what is missing
  for (std::int64_t at = round_up(row, step); at < row + rows; at += step) {
    float* const line = memory_.data() + offset(number, at);
    std::fill_n(line, together(number) * kPanelWidth, 0.0F);
    if (is_split()) std::fill_n(line + high_size(), together(number) * kPanelWidth, 0.0F);
  }
}

void Panels::pack_rows(const MatrixRows& matrix, std::int64_t base, const Range& range) {
  const std::int64_t end = std::clamp(matrix.count(), range.first, range.end());
  std::array<const float*, kRowsAtOnce> found;
  alignas(64) std::array<float, kRowsAtOnce * kMostColumns> rows;
  for (std::int64_t p = 0, at_once = 0; p < count_; p += at_once) {
    at_once = together(p);
    const std::int64_t first = p * kPanelWidth, columns = at_once * kPanelWidth;
    clear(p, base + end, range.end() - end);
    if (matrix.lie_together()) {
      set(p, base + range.first, end - range.first, columns, matrix.first + range.first * matrix.stride + first,
          matrix.stride);
      continue;
    }
    for (std::int64_t row = range.first; row < end; row += kRowsAtOnce) {
      const std::int64_t count = std::min(kRowsAtOnce, end - row);
      matrix.find(row, count, found.data());
      for (std::int64_t i = 0; i < count; ++i) {
        std::copy_n(found[static_cast<std::size_t>(i)] + first, columns, rows.data() + i * columns);
      }
      set(p, base + row, count, columns, rows.data(), columns);
    }
  }
}

void LeftFactor::take_room(std::int64_t rows, std::int64_t blocks, const Panels& b) {
  static thread_local AlignedBuffer memory;
  // Whole cache lines, and one more: rows a power of two apart share few sets of a cache.
  line_ = round_up(is_half_ ? (depth_ + 1) / 2 : depth_, kLine) + kLine;
  const std::int64_t size = blocks * rows * line_;
  memory.grow((b.is_split() ? 2 : 1) * size);
  room_ = memory.data();
  if (b.is_split()) low_room_ = room_ + size;
  rows_ = {room_, is_half_ ? 2 * line_ : line_, rows, blocks, rows};
}

LeftFactor::LeftFactor(const MatrixRows& a, std::int64_t depth, const Panels& b)
    : depth_(depth), block_rows_(a.block_rows), is_half_(b.is_half()), rows_(a) {
  if (b.precision() == Precision::kFp32) return;
  if (b.is_int8()) {
    int16_ = Int16Rows(a.count(), depth, [&](std::int64_t row) { return a.row(row); });
    return;
  }
  take_room(a.rows, a.blocks, b);
  for (std::int64_t row = 0; row < a.count(); ++row) {
    float* const to = room_ + row * line_;
    if (is_half_) {
      round_row(a.row(row), depth, to, low_room_ == nullptr ? nullptr : low_room_ + row * line_);
    } else {
      kernels().round_to_bf16(depth, a.row(row), to);
    }
  }
}

LeftFactor::LeftFactor(std::span<const float* const> rows, std::int64_t first, std::int64_t columns, std::int64_t depth,
                       const Panels& b)
    : depth_(depth), block_rows_(columns), is_half_(b.is_half()), rows_{} {
  take_room(columns, 1, b);
  if (is_half_) {
    kernels().transpose_to_bf16(std::ssize(rows), columns, rows.data(), first, reinterpret_cast<std::uint16_t*>(room_),
                                reinterpret_cast<std::uint16_t*>(low_room_), 2 * line_);
    return;
  }
  kernels().transpose(std::ssize(rows), columns, rows.data(), first, room_, line_);
  for (std::int64_t column = 0; column < columns; ++column) {
    float* const to = room_ + column * line_;
    std::fill(to + std::ssize(rows), to + depth, 0.0F);
    if (b.precision() != Precision::kFp32) kernels().round_to_bf16(depth, to, to);
  }
}

void LeftFactor::multiply(float* c, std::int64_t c_stride, bool add, const Panels& b, const Range& panels,
                          std::int64_t b_row) const {
  // Depth that is multiplied before going to the next rows: the part of the panels that all rows read stays in the
  // first two caches. 16-bit numbers are multiplied in one go, unless they are read more than once.
  constexpr std::int64_t kDepth = 512;
  const std::int64_t depth_at_once = is_half_ && low_room_ == nullptr ? depth_ : kDepth;
  if (rows_.rows == 0) return;
  if (b.is_int8()) {
    for (std::int64_t block = 0; block < rows_.blocks; ++block) {
      int16_.multiply({block * rows_.rows, rows_.rows}, c + block * block_rows_ * c_stride, c_stride, add, b.int8(),
                      panels);
    }
    return;
  }
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
        if (low_room_ == nullptr) continue;
        multiply_halves(reinterpret_cast<const std::uint16_t*>(low_room_), right, true);
        multiply_halves(high, b.low_panel(number, b_row + k), true);
      }
    }
  }
}

}  // namespace charrnn
