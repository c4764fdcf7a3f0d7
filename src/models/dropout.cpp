#include "models/dropout.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.hpp"

namespace charrnn {

namespace {

constexpr std::int64_t kDrawsPerBlock = 8;

/// Turns draws into mask values, for one probability.
class Drop {
 public:
  explicit Drop(double p)
      : threshold_(static_cast<std::uint32_t>(std::lround(65536 * p))),
        keep_(static_cast<float>(1 / (1 - p))) {}

  /// The first values of a block, as many as `values` has (at most kDrawsPerBlock).
  void fill(const std::array<std::uint32_t, 4>& words, std::span<float> values) const {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint32_t draw = (words[i / 2] >> (i % 2 * 16)) & 0xFFFF;
      values[i] = draw < threshold_ ? 0 : keep_;
    }
  }

 private:
  std::uint32_t threshold_;
  float keep_;
};

/// Block number `block` of a row of values that is cut into blocks.
std::span<float> cut(std::span<float> row, std::int64_t block) {
  const std::int64_t first = block * kDrawsPerBlock;
  const std::int64_t count = std::min(kDrawsPerBlock, static_cast<std::int64_t>(row.size()) - first);
  return row.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

}  // namespace

void fill_dropout_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t length,
                       std::int64_t columns, std::int64_t hidden, std::int64_t first, std::int64_t last,
                       std::span<float> mask) {
  const Drop drop(p);
  const std::int64_t blocks = (hidden + kDrawsPerBlock - 1) / kDrawsPerBlock;
  for (std::int64_t column = first; column < last; ++column) {
    const auto place = static_cast<std::uint32_t>((layer << 24) + key.first_column + column);
    const RandomStream stream(key.seed, Purpose::kDropout, static_cast<std::uint64_t>(key.step), place);
    for (std::int64_t t = 0; t < length; ++t) {
      const std::span<float> row = mask.subspan(static_cast<std::size_t>((t * columns + column) * hidden),
                                                static_cast<std::size_t>(hidden));
      for (std::int64_t block = 0; block < blocks; ++block) {
        drop.fill(stream.block(static_cast<std::uint32_t>(t * blocks + block)), cut(row, block));
      }
    }
  }
}

void fill_weight_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t first,
                      std::int64_t last, std::span<float> mask) {
  const Drop drop(p);
  const RandomStream stream(key.seed, Purpose::kWeightDropout, static_cast<std::uint64_t>(key.step),
                            static_cast<std::uint32_t>(layer));
  for (std::int64_t block = first; block < last; ++block) {
    drop.fill(stream.block(static_cast<std::uint32_t>(block)), cut(mask, block));
  }
}

}  // namespace charrnn
