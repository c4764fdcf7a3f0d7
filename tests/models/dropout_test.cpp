// The bit layout of dropout keys.
#include "models/dropout.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.hpp"

namespace charrnn {
namespace {

TEST(Dropout, LayersAndColumnsShareNoStream) {
  EXPECT_EQ(dropout_stream(0, 0), 0U);
  EXPECT_EQ(dropout_stream(3, 5), 0x03000005U);
  EXPECT_EQ(dropout_stream(0, kColumnLimit - 1) + 1, dropout_stream(1, 0));
  EXPECT_EQ(dropout_stream(kInputMask, kColumnLimit - 1), 0xFFFFFFFFU);
}

TEST(Dropout, MasksAreTheDrawsOfTheDocumentedStream) {
  constexpr std::int64_t kLength = 3, kColumns = 4, kHidden = 11, kBlocks = 2, kLayer = 2;
  const DropoutKey key{.seed = (std::uint64_t{7} << 32) + 9, .step = 21, .first_column = 5};
  std::vector<float> mask(kLength * kColumns * kHidden, -1);
  fill_dropout_mask(key, kLayer, 0.25, kLength, kColumns, kHidden, 1, 3, mask);
  for (std::int64_t i = 0; i < std::ssize(mask); ++i) {
    const std::int64_t t = i / kHidden / kColumns, column = i / kHidden % kColumns, unit = i % kHidden;
    const RandomStream stream(key.seed, Purpose::kDropout, 21, dropout_stream(kLayer, 5 + column));
    const auto words = stream.block(static_cast<std::uint32_t>(t * kBlocks + unit / 8));
    const std::uint32_t draw = words[static_cast<std::size_t>(unit % 8 / 2)] >> (16 * (unit % 2)) & 0xFFFF;
    const bool is_drawn = column == 1 || column == 2;
    const float expected = !is_drawn ? -1 : draw < 16'384 ? 0 : 1 / 0.75F;
    EXPECT_EQ(mask[static_cast<std::size_t>(i)], expected) << i;
  }
}

}  // namespace
}  // namespace charrnn
