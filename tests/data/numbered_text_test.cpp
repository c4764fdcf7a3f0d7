#include "data/numbered_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace charrnn {
namespace {

using testing::ElementsAre;

TEST(NumberedText, GivesBackNumbersOfAllSizes) {
  // Runs of small, middle and large numbers of random lengths, some of them longer than a block.
  std::mt19937 random(1);  // NOLINT: the same numbers every time
  std::vector<std::uint32_t> expected;
  NumberWriter writer;
  const std::uint32_t limits[] = {100, 60'000, 1'100'000};
  for (int run = 0; run < 40; ++run) {
    const std::uint32_t limit = limits[random() % 3];
    const std::size_t length = random() % 40'000;
    if (limit < 256) {
      std::vector<unsigned char> bytes(length);
      for (unsigned char& byte : bytes) byte = static_cast<unsigned char>(random() % limit);
      writer.add(bytes);
      expected.insert(expected.end(), bytes.begin(), bytes.end());
    } else {
      for (std::size_t i = 0; i < length; ++i) writer.add(expected.emplace_back(random() % limit));
    }
  }
  NumberWriter::Written written = writer.finish();
  std::vector<std::int64_t> counts(written.counts.size());
  for (const std::uint32_t number : expected) ++counts.at(number);
  EXPECT_EQ(written.counts, counts);

  const auto size = static_cast<std::int64_t>(expected.size());
  const NumberedText text(std::make_shared<ScratchFile>(std::move(written.file)), written.widths, size);
  for (int i = 0; i < 100; ++i) {
    const std::int64_t first = static_cast<std::int64_t>(random()) % size;
    const std::int64_t count = std::min<std::int64_t>(size - first, static_cast<std::int64_t>(random() % 200'000));
    std::vector<std::uint32_t> found;
    text.visit(first, count, [&](const auto& numbers, std::int64_t at) {
      ASSERT_EQ(at, std::ssize(found));
      found.insert(found.end(), numbers.begin(), numbers.end());
    });
    ASSERT_TRUE(std::equal(found.begin(), found.end(), expected.begin() + first, expected.begin() + first + count));
  }
}

TEST(NumberedText, ARareLargeNumberWidensItsBlockOnly) {
  NumberWriter writer;
  writer.add(std::vector<unsigned char>(3 * kBlockCharacters, 1));
  writer.add(300);
  writer.add(std::vector<unsigned char>(kBlockCharacters, 2));
  const NumberWriter::Written written = writer.finish();
  EXPECT_THAT(written.widths, ElementsAre(1, 1, 1, 2, 1));
  EXPECT_EQ(static_cast<std::int64_t>(written.file.size()), 3 * kBlockCharacters + 2 * kBlockCharacters + 1);
}

}  // namespace
}  // namespace charrnn
