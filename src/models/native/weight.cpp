#include "models/native/weight.hpp"

#include <algorithm>

namespace charrnn {

void Panels::pack_rows(const float* matrix, std::int64_t stride, const Range& range) {
  for (std::int64_t p = 0; p < count_; ++p) {
    for (std::int64_t row = range.first; row < range.end(); ++row) {
      std::copy_n(matrix + row * stride + p * kPanelWidth, kPanelWidth, panel(p) + row * kPanelWidth);
    }
  }
}

void Panels::clear_rows(const Range& range) {
  for (std::int64_t p = 0; p < count_; ++p) {
    std::fill_n(panel(p) + range.first * kPanelWidth, range.count * kPanelWidth, 0.0F);
  }
}

void multiply(const Product& product, const Panels& b, const Range& panels, const Range& b_rows) {
  for (std::int64_t p = panels.first; p < panels.end(); ++p) {
    multiply_panel(product.a, product.a_stride, product.rows, b.panel(p) + b_rows.first * kPanelWidth,
                   b_rows.count, product.c + (p - panels.first) * kPanelWidth, product.c_stride, product.add);
  }
}

void multiply_blocks(const Product& product, const Panels& b, std::int64_t blocks, std::int64_t block_rows) {
  // Panel by panel: one stays in the cache for all blocks.
  for (std::int64_t p = 0; p < b.count(); ++p) {
    for (std::int64_t block = 0; block < blocks; ++block) {
      multiply_panel(product.a + block * block_rows * product.a_stride, product.a_stride, product.rows,
                     b.panel(p), b.rows(),
                     product.c + block * block_rows * product.c_stride + p * kPanelWidth, product.c_stride,
                     product.add);
    }
  }
}

void Weight::pack(std::int64_t part, std::int64_t parts, const float* mask) {
  const std::int64_t panels_of_gate = padded(units_) / kPanelWidth;
  const auto value = [&](std::int64_t at) { return mask == nullptr ? values_[at] : values_[at] * mask[at]; };
  const Range mine = share_of(forward_.count(), part, parts);
  for (std::int64_t p = mine.first; p < mine.end(); ++p) {  // 32 outputs of one gate
    const std::int64_t gate = p / panels_of_gate, first = p % panels_of_gate * kPanelWidth;
    const std::int64_t count = std::min(kPanelWidth, units_ - first);
    const std::int64_t source = (gate * units_ + first) * inputs_;
    float* to = forward_.panel(p);
    constexpr std::int64_t kLine =
        16;  // one cache line of each row after the other: rows may share cache sets
    for (std::int64_t line = 0; line < inputs_; line += kLine) {
      const std::int64_t end = std::min(line + kLine, inputs_);
      for (std::int64_t u = 0; u < count; ++u) {
        for (std::int64_t i = line; i < end; ++i) to[i * kPanelWidth + u] = value(source + u * inputs_ + i);
      }
    }
    for (std::int64_t b = 0; b < backward_.count(); ++b) {
      const std::int64_t first_input = b * kPanelWidth;
      const std::int64_t width = std::min(kPanelWidth, inputs_ - first_input);
      float* row = backward_.panel(b) + p * kPanelWidth * kPanelWidth;
      for (std::int64_t u = 0; u < count; ++u, row += kPanelWidth) {
        const std::int64_t from = source + u * inputs_ + first_input;
        for (std::int64_t i = 0; i < width; ++i) row[i] = value(from + i);
      }
    }
  }
}

void Weight::add_to_gradient(std::int64_t first, std::int64_t count, const float* sums, std::int64_t stride,
                             const float* mask, float* gradient) const {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t gate = (first + i) / padded(units_), unit = (first + i) % padded(units_);
    if (unit >= units_) continue;
    const std::int64_t row = (gate * units_ + unit) * inputs_;
    const float* sum = sums + i * stride;
    if (mask == nullptr) {
      for (std::int64_t k = 0; k < inputs_; ++k) gradient[row + k] += sum[k];
    } else {
      for (std::int64_t k = 0; k < inputs_; ++k) gradient[row + k] += sum[k] * mask[row + k];
    }
  }
}

}  // namespace charrnn
