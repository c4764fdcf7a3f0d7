// Arithmetic on memory laid out as parameters, on CPUs, against the formulas in double precision.
#include "train/flat_buffer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace charrnn {
namespace {

const FlatMath kMath{Device{}};
constexpr std::int64_t kSizes[] = {16, 48, 160, 4112};

/// Numbers that look random, in [−1, 1].
std::vector<float> numbers(std::int64_t size, int start) {
  std::vector<float> values(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(std::sin(12.9898 * static_cast<double>(i) + 78.233 * start));
  }
  return values;
}

TEST(FlatBuffer, IsZeroAtFirstAndItsOwn) {
  const FlatBuffer one(Device{}, 48), other(Device{}, 48);
  ASSERT_EQ(one.span().size(), 48U);
  EXPECT_EQ(std::ranges::count(one.span(), 0.0F), 48);
  std::ranges::fill(one.span(), 1.0F);
  EXPECT_EQ(std::ranges::count(other.span(), 0.0F), 48);
  EXPECT_TRUE(FlatBuffer(Device{}, 0).span().empty());
}

TEST(FlatMath, CopiesToAndFro) {
  const std::vector<float> numbers_here = numbers(48, 1);
  const FlatBuffer one(Device{}, 48), other(Device{}, 48);
  kMath.from_host(one.span(), numbers_here);
  kMath.copy(other.span(), one.span());
  std::ranges::fill(one.span(), 0.0F);
  EXPECT_EQ(kMath.to_host(other.span()), numbers_here);
}

TEST(FlatMath, AddsAnyNumber) {
  for (const std::int64_t size : {0, 1, 7, 16, 33}) {
    const std::vector<float> before = numbers(size, 1), more = numbers(size, 2);
    std::vector<float> sum = before;
    kMath.add(sum, more);
    for (std::size_t i = 0; i < sum.size(); ++i) EXPECT_EQ(sum[i], before[i] + more[i]) << size << ", " << i;
  }
}

TEST(FlatMath, AddsProducts) {
  constexpr double kFactor = -0.3;
  for (const std::int64_t size : kSizes) {
    const std::vector<float> before = numbers(size, 1), a = numbers(size, 2), b = numbers(size, 3);
    std::vector<float> sum = before;
    kMath.add_product(sum, a, b, kFactor);
    for (std::size_t i = 0; i < sum.size(); ++i) {
      const double expected = before[i] + kFactor * static_cast<double>(a[i]) * static_cast<double>(b[i]);
      EXPECT_NEAR(sum[i], expected, 0x1p-22) << size << ", " << i;
    }
  }
}

TEST(FlatMath, GoesSomeOfTheWay) {
  for (const std::int64_t size : kSizes) {
    const std::vector<float> before = numbers(size, 1), end = numbers(size, 2);
    for (const double weight : {0.0, 0.001, 0.75}) {
      std::vector<float> mean = before;
      kMath.lerp(mean, end, weight);
      for (std::size_t i = 0; i < mean.size(); ++i) {
        const double expected = before[i] + weight * (static_cast<double>(end[i]) - static_cast<double>(before[i]));
        EXPECT_NEAR(mean[i], expected, 0x1p-22) << size << ", " << weight << ", " << i;
      }
      if (weight == 0) {
        EXPECT_EQ(mean, before);
      }
    }
  }
}

TEST(FlatMath, SumsSquaresInDoublePrecision) {
  for (const std::int64_t size : kSizes) {
    std::vector<float> whole(static_cast<std::size_t>(size));
    std::iota(whole.begin(), whole.end(), 1.0F);
    const auto n = static_cast<double>(size);
    EXPECT_EQ(kMath.sum_of_squares(whole), n * (n + 1) * (2 * n + 1) / 6);
    // Squares that no float32 holds.
    for (const float edge : {0x1p100F, 0x1p-100F}) {
      EXPECT_EQ(kMath.sum_of_squares(std::vector<float>(whole.size(), edge)),
                n * static_cast<double>(edge) * static_cast<double>(edge));
    }
  }
}

}  // namespace
}  // namespace charrnn
