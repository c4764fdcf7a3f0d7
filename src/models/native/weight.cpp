#include "models/native/weight.hpp"

#include <algorithm>
#include <functional>

namespace charrnn {

void Weight::pack(std::int64_t part, std::int64_t parts, const float* mask) {
  const std::int64_t panels_of_gate = padded(units_) / kPanelWidth;
  const Range mine = share_of(forward_.count(), part, parts);
  for (std::int64_t p = mine.first, panels = 0; p < mine.end(); p += panels) {  // panels of one gate, side by side
    const std::int64_t gate = p / panels_of_gate, of_gate = p % panels_of_gate;
    panels = std::min({forward_.together(p), mine.end() - p, panels_of_gate - of_gate});
    const std::int64_t first = of_gate * kPanelWidth, count = std::min(panels * kPanelWidth, units_ - first);
    const std::int64_t source = (gate * units_ + first) * inputs_;
    const float* values = values_ + source;
    if (mask != nullptr) {
      static thread_local AlignedBuffer masked;
      masked.grow(count * inputs_);
      std::transform(values, values + count * inputs_, mask + source, masked.data(), std::multiplies<>());
      values = masked.data();
    }
    if (!trains()) {
      forward_.set_transposed(p, 0, inputs_, count, values, inputs_);
      continue;
    }
    // Inputs of panels side by side at once: what the first panels read is still in the cache for the others.
    for (std::int64_t b = 0, at_once = 0; b < backward_.count(); b += at_once) {
      at_once = backward_.together(b);
      const std::int64_t input = b * kPanelWidth, inputs = std::min(at_once * kPanelWidth, inputs_ - input);
      forward_.set_transposed(p, input, inputs, count, values + input, inputs_);
      backward_.set(b, p * kPanelWidth, count, inputs, values + input, inputs_);
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
