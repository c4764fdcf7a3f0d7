#include "models/dropout.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/random.hpp"

namespace charrnn {

void fill_dropout_mask(const DropoutKey& key, std::int64_t layer, double p, std::int64_t length,
                       std::int64_t columns, std::int64_t hidden, std::int64_t first, std::int64_t last,
                       std::span<float> mask) {
  constexpr std::int64_t kDrawsPerBlock = 8;
  const auto threshold = static_cast<std::uint32_t>(std::lround(65536 * p));
  const auto keep = static_cast<float>(1 / (1 - p));
  const std::int64_t blocks = (hidden + kDrawsPerBlock - 1) / kDrawsPerBlock;
  for (std::int64_t column = first; column < last; ++column) {
    const auto place = static_cast<std::uint32_t>((layer << 24) + key.first_column + column);
    const RandomStream stream(key.seed, Purpose::kDropout, static_cast<std::uint64_t>(key.step), place);
    for (std::int64_t t = 0; t < length; ++t) {
      float* row = mask.data() + (t * columns + column) * hidden;
      for (std::int64_t block = 0; block < blocks; ++block) {
        const std::array<std::uint32_t, 4> words =
            stream.block(static_cast<std::uint32_t>(t * blocks + block));
        const std::int64_t draws = std::min(kDrawsPerBlock, hidden - block * kDrawsPerBlock);
        for (std::int64_t i = 0; i < draws; ++i) {
          const std::uint32_t draw = (words[static_cast<std::size_t>(i / 2)] >> (i % 2 * 16)) & 0xFFFF;
          row[block * kDrawsPerBlock + i] = draw < threshold ? 0 : keep;
        }
      }
    }
  }
}

}  // namespace charrnn
