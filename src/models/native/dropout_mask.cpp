#include "models/native/dropout_mask.hpp"

#include <algorithm>

#include "models/dropout.hpp"

namespace charrnn {

void DropoutMask::start(const std::optional<DropoutKey>& key, std::int64_t length, std::int64_t columns) {
  length_ = length;
  columns_ = columns;
  is_on_ = key && p_ > 0;
  if (!is_on_) return;
  key_ = *key;
  values_.grow(rows() * units_);
}

void DropoutMask::draw(const Range& columns) {
  if (!is_on_) return;
  fill_dropout_mask(key_, layer_, p_, rows() / columns_, columns_, units_, columns.first, columns.end(),
                    values_.span());
}

void DropoutMask::apply(const Range& columns, const Range& units, const float* from, float* to,
                        std::int64_t stride) const {
  const std::int64_t end = std::min(units.end(), units_);  // there may be padding
  for (std::int64_t t = 0; t < length_; ++t) {
    for (std::int64_t column = columns.first; column < columns.end(); ++column) {
      const std::int64_t at = t * columns_ + column;
      const float* mask = row(at);
      for (std::int64_t u = units.first; u < end; ++u) to[at * stride + u] = from[at * stride + u] * mask[u];
    }
  }
}

}  // namespace charrnn
