// What a thread of a GPU does, on the CPU: block by block it multiplies by the masks of dropout.hpp, bit for bit.
#include "models/torch/drop_block.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace charrnn {
namespace {

/// A large seed and step, and columns that begin somewhere.
constexpr DropoutKey kKey{0xFEDCBA9876543210, (std::int64_t{1} << 33) + 5, 37};

/// Both signs: a dropped negative number is −0.
std::vector<float> draw_numbers(std::int64_t count) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> uniform(-2, 2);
  std::vector<float> numbers(static_cast<std::size_t>(count));
  for (float& number : numbers) number = uniform(random);
  return numbers;
}

std::vector<float> drop_all(const DropPlan& plan, const std::vector<float>& from) {
  const auto key = dropout_key_words(kKey);
  std::vector<float> to(from.size(), -1);
  for (std::int64_t row = 0; row < std::ssize(from) / plan.units; ++row) {
    for (std::int64_t block = 0; block < plan.blocks(); ++block) {
      const std::int64_t first = row * plan.units + block * kDrawsPerBlock;
      drop_block(plan, key.data(), static_cast<std::uint32_t>(row), block, from.data() + first, to.data() + first);
    }
  }
  return to;
}

/// The mask of the first elements goes for the others, too, as often as it fits.
void expect_multiplied(const std::vector<float>& found, const std::vector<float>& from,
                       const std::vector<float>& mask) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const float expected = from[i] * mask[i % mask.size()];
    ASSERT_EQ(std::bit_cast<std::uint32_t>(found[i]), std::bit_cast<std::uint32_t>(expected)) << i;
  }
}

struct Shape {
  std::int64_t length, columns, units;
};
constexpr Shape kShapes[] = {{1, 1, 1}, {3, 5, 24}, {7, 64, 19}, {9, 33, 513}};

TEST(DropBlock, DropsOutputs) {
  for (const auto& [length, columns, units] : kShapes) {
    for (const bool is_locked : {false, true}) {
      SCOPED_TRACE(testing::Message() << length << " x " << columns << " x " << units << (is_locked ? ", locked" : ""));
      const std::int64_t drawn = is_locked ? 1 : length;
      std::vector<float> mask(static_cast<std::size_t>(drawn * columns * units));
      fill_dropout_mask(kKey, kInputMask, 0.3, drawn, columns, units, 0, columns, mask);
      const std::vector<float> from = draw_numbers(length * columns * units);
      expect_multiplied(drop_all(drop_outputs(kInputMask, 0.3, is_locked, columns, units), from), from, mask);
    }
  }
}

TEST(DropBlock, DropsWeights) {
  for (const std::int64_t size : {1, 8, 1021, 4 * 64 * 64}) {
    std::vector<float> mask(static_cast<std::size_t>(size));
    fill_weight_mask(kKey, 2, 0.5, 0, (size + 7) / 8, mask);
    const std::vector<float> from = draw_numbers(size);
    expect_multiplied(drop_all(drop_weights(2, 0.5, size), from), from, mask);
  }
}

TEST(DropBlock, LeavesNumbersThatAreNone) {
  const float from = std::numeric_limits<float>::infinity();
  float to = 0;
  const auto key = dropout_key_words({});
  drop_block(drop_outputs(0, 0.999, false, 1, 1), key.data(), 0, 0, &from, &to);
  EXPECT_TRUE(std::isnan(to));  // a step whose numbers overflow is found out by its loss
}

}  // namespace
}  // namespace charrnn
