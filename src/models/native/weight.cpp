#include "models/native/weight.hpp"

#include <algorithm>

namespace charrnn {

void Weight::pack(std::int64_t part, std::int64_t parts, const float* mask) {
  const std::int64_t panels_of_gate = padded(units_) / kPanelWidth;
  const auto value = [&](std::int64_t at) { return mask == nullptr ? values_[at] : values_[at] * mask[at]; };
  const Range mine = share_of(forward_.count(), part, parts);
  for (std::int64_t p = mine.first; p < mine.end(); ++p) {  // 32 outputs of one gate
    const std::int64_t gate = p / panels_of_gate, first = p % panels_of_gate * kPanelWidth;
    const std::int64_t count = std::min(kPanelWidth, units_ - first);
    const std::int64_t source = (gate * units_ + first) * inputs_;
    forward_.write(p, [&](const auto& set) {
      constexpr std::int64_t kLine = 16;  // a cache line of each row in turn: the rows may share cache sets
      for (std::int64_t line = 0; line < inputs_; line += kLine) {
        const std::int64_t end = std::min(line + kLine, inputs_);
        for (std::int64_t u = 0; u < count; ++u) {
          for (std::int64_t i = line; i < end; ++i) set(i, u, value(source + u * inputs_ + i));
        }
      }
    });
    for (std::int64_t b = 0; b < backward_.count(); ++b) {
      const std::int64_t first_input = b * kPanelWidth;
      const std::int64_t width = std::min(kPanelWidth, inputs_ - first_input);
      backward_.write(b, [&](const auto& set) {
        for (std::int64_t u = 0; u < count; ++u) {
          const std::int64_t from = source + u * inputs_ + first_input;
          for (std::int64_t i = 0; i < width; ++i) set(p * kPanelWidth + u, i, value(from + i));
        }
      });
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
