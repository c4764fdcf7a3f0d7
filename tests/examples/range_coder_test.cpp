// The range coder of examples/compress: what goes in comes out, in as many bits as the probabilities say.
#include "../../examples/range_coder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace {

/// What the choices take at least.
double information(const std::vector<Choice>& choices) {
  double bits = 0;
  for (const Choice& choice : choices) {
    bits += std::log2(static_cast<double>(choice.total) / static_cast<double>(choice.size));
  }
  return bits;
}

std::string encode(const std::vector<Choice>& choices) {
  RangeEncoder encoder;
  for (const Choice& choice : choices) encoder.put(choice);
  return encoder.finish();
}

void expect_back(const std::string& code, const std::vector<Choice>& choices) {
  RangeDecoder decoder(code);
  for (const Choice& choice : choices) {
    const std::uint64_t found = decoder.find(choice.total);
    ASSERT_GE(found, choice.before);
    ASSERT_LT(found, choice.before + choice.size);
    decoder.take(choice);
  }
}

/// Choices with totals of up to 2^bits, many of which are nearly certain, nearly impossible, the first or the last.
std::vector<Choice> some_choices(std::uint64_t seed, int bits, std::size_t count) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  std::vector<Choice> choices(count);
  for (auto& [before, size, total] : choices) {
    total = 1 + below(std::uint64_t{1} << below(static_cast<std::uint64_t>(bits) + 1));
    size = below(2) == 0 ? 1 + below(total) : 1;
    before = below(4) == 0 ? 0 : below(3) == 0 ? total - size : below(total - size + 1);
  }
  return choices;
}

TEST(RangeCoder, GivesEveryChoiceBack) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const std::vector<Choice> choices = some_choices(seed, 40, 1000);
    expect_back(encode(choices), choices);
  }
}

TEST(RangeCoder, TakesAsManyBitsAsTheChoicesHave) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<Choice> choices = some_choices(seed, 32, 10'000);
    const double bits = 8 * static_cast<double>(encode(choices).size());
    EXPECT_GE(bits, information(choices) - 8);  // zeros at the end are left out
    EXPECT_LE(bits, information(choices) + 0.0001 * 10'000 + 16);
  }
}

TEST(RangeCoder, CarriesThroughBytesOf255) {
  // Always the highest case: the low end creeps up to the top, all ones; then one step over it.
  for (std::size_t length = 1; length < 40; ++length) {
    std::vector<Choice> choices(length, Choice{255, 1, 256});
    choices.push_back({(1 << 20) - 1, 1, 1 << 20});
    for (std::uint64_t before = 0; before < 3; ++before) {
      choices.push_back({before, 3, 5});
      expect_back(encode(choices), choices);
    }
  }
}

TEST(RangeCoder, OfNoChoiceIsEmpty) {
  EXPECT_EQ(encode({}), "");
  EXPECT_EQ(encode(std::vector<Choice>(1000, Choice{0, 7, 7})), "");
}

TEST(RangeCoder, AnyCodeIsDecodedToSomething) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string code(random() % 30, '\0');
    for (char& byte : code) byte = static_cast<char>(random() % 4 == 0 ? 0xFF : random());
    RangeDecoder decoder(code);
    for (const Choice& choice : some_choices(random(), 40, 200)) {
      const std::uint64_t found = decoder.find(choice.total);
      ASSERT_LT(found, choice.total);
      decoder.take({found, 1, choice.total});
    }
  }
}

}  // namespace
