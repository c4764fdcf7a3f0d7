#include "models/native/weight.hpp"

#include <algorithm>
#include <functional>

namespace charrnn {

void Weight::pack(std::int64_t part, std::int64_t parts, const float* mask) {
  const std::int64_t panels_of_gate = padded(units_) / kPanelWidth;
  const Range mine = share_of(forward_.count(), part, parts);
  for (std::int64_t p = mine.first; p < mine.end(); ++p) {  // 32 outputs of one gate
    const std::int64_t gate = p / panels_of_gate, first = p % panels_of_gate * kPanelWidth;
    const std::int64_t count = std::min(kPanelWidth, units_ - first);
    const std::int64_t source = (gate * units_ + first) * inputs_;
    const float* values = values_ + source;
    if (mask != nullptr) {
      static thread_local AlignedBuffer masked;
      masked.grow(kPanelWidth * inputs_);
      std::transform(values, values + count * inputs_, mask + source, masked.data(), std::multiplies<>());
      values = masked.data();
    }
    forward_.set_transposed(p, 0, inputs_, count, values, inputs_);
    for (std::int64_t b = 0; b < backward_.count(); ++b) {
      const std::int64_t first_input = b * kPanelWidth;
      backward_.set(b, p * kPanelWidth, count, std::min(kPanelWidth, inputs_ - first_input), values + first_input,
                    inputs_);
    }
  }
}

void Weight::mask_rows(std::int64_t first, std::int64_t count, const float* mask, float* sums,
                       std::int64_t stride) const {
  for (std::int64_t i = 0; i < count; ++i, sums += stride) {
    const std::int64_t row = row_of(first + i);
    if (row >= 0) std::transform(sums, sums + inputs_, mask + row, sums, std::multiplies<>());
  }
}

void Weight::put_gradient(std::int64_t first, std::int64_t count, const float* sums, std::int64_t stride,
                          float* gradient) const {
  for (std::int64_t i = 0; i < count; ++i, sums += stride) {
    const std::int64_t row = row_of(first + i);
    if (row >= 0) put(inputs_, sums, gradient + row);
  }
}

}  // namespace charrnn
