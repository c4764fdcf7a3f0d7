#include "base/random.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace charrnn {
namespace {

// Known-answer vectors of the Random123 library (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, DifferentPlacesGiveDifferentNumbers) {
  std::set<std::uint32_t> seen;
  for (std::uint64_t seed : {1, 2}) {
    for (Purpose purpose : {Purpose::kDropout, Purpose::kParameters}) {
      for (std::uint64_t a : {0ULL, 1ULL, 1ULL << 32}) {
        for (std::uint32_t b : {0U, 1U}) seen.insert(RandomStream(seed, purpose, a, b).next());
      }
    }
  }
  EXPECT_EQ(seen.size(), 24U);
}

TEST(RandomStream, MomentsOfUniformAndNormal) {
  constexpr int kDraws = 200'000;  // standard errors: mean 0.0006 and 0.0022, variance 0.0002 and 0.0032
  RandomStream stream(7, Purpose::kWindowLengths);
  double sum = 0, squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.uniform();
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.004);
  EXPECT_NEAR(squares / kDraws - std::pow(sum / kDraws, 2), 1.0 / 12, 0.002);
  sum = squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = stream.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 0.012);
  EXPECT_NEAR(squares / kDraws, 1.0, 0.02);
}

}  // namespace
}  // namespace charrnn
