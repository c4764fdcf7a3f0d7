#include "models/dropout.hpp"

#include <algorithm>
#include <cassert>

#include "base/random.hpp"
#include "models/native/kernels.hpp"

namespace charrnn {

namespace {

/// Fills a mask from block `first` of the stream on.
void fill(const DropRule& rule, const RandomStream& stream, std::int64_t first, std::span<float> mask) {
  kernels().dropout(std::ssize(mask), stream.key().data(), stream.counter().data(), static_cast<std::uint32_t>(first),
                    rule.threshold, rule.keep, mask.data());
}

}  // namespace

void fill_dropout_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t length, std::int64_t columns,
                       std::int64_t hidden, std::int64_t first, std::int64_t last, std::span<float> mask) {
  assert(0 <= layer && layer <= kInputMask && key.first_column + columns <= kColumnLimit);
  const DropRule rule(p);
  const std::int64_t blocks = (hidden + kDrawsPerBlock - 1) / kDrawsPerBlock;
  for (std::int64_t column = first; column < last; ++column) {
    const RandomStream stream(key.seed, Purpose::kDropout, static_cast<std::uint64_t>(key.step),
                              dropout_stream(layer, key.first_column + column));
    for (std::int64_t t = 0; t < length; ++t) {
      fill(rule, stream, t * blocks,
           mask.subspan(static_cast<std::size_t>((t * columns + column) * hidden), static_cast<std::size_t>(hidden)));
    }
  }
}

void fill_weight_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t first, std::int64_t last,
                      std::span<float> mask) {
  const DropRule rule(p);
  const RandomStream stream(key.seed, Purpose::kWeightDropout, static_cast<std::uint64_t>(key.step),
                            static_cast<std::uint32_t>(layer));
  const std::int64_t begin = first * kDrawsPerBlock;
  const std::int64_t end = std::min(last * kDrawsPerBlock, std::ssize(mask));
  fill(rule, stream, first, mask.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
}

}  // namespace charrnn
