#include "base/permutation.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace charrnn {
namespace {

std::vector<std::int64_t> all_of(const RandomPermutation& permutation) {
  std::vector<std::int64_t> elements;
  for (std::int64_t place = 0; place < permutation.size(); ++place) elements.push_back(permutation(place));
  return elements;
}

TEST(RandomPermutation, EveryElementOnce) {
  for (const std::int64_t size : {1, 2, 3, 4, 5, 7, 12, 99, 100, 101, 4096, 75'111}) {
    const RandomPermutation permutation(size, 3, Purpose::kShuffle);
    std::vector<bool> seen(static_cast<std::size_t>(size), false);
    for (const std::int64_t element : all_of(permutation)) {
      ASSERT_GE(element, 0);
      ASSERT_LT(element, size);
      ASSERT_FALSE(seen[static_cast<std::size_t>(element)]) << size;
      seen[static_cast<std::size_t>(element)] = true;
    }
  }
}

TEST(RandomPermutation, AnotherSeedPurposeOrNumberIsAnotherOrder) {
  std::set<std::vector<std::int64_t>> orders;
  for (const std::uint64_t seed : {1, 2}) {
    for (const Purpose purpose : {Purpose::kShuffle, Purpose::kValidationSplit}) {
      for (const std::uint64_t number : {0, 1}) orders.insert(all_of(RandomPermutation(50, seed, purpose, number)));
    }
  }
  EXPECT_EQ(orders.size(), 8U);
}

TEST(RandomPermutation, PlacesAreSpreadEvenly) {
  // Over many orders the element at a place is uniform: chi-squared with 9 degrees of freedom stays
  // below 27.9 in 999 of 1000 cases; 10 places.
  constexpr std::int64_t kSize = 10, kOrders = 5000;
  for (std::int64_t place = 0; place < kSize; ++place) {
    std::vector<double> counts(kSize);
    for (std::uint64_t number = 0; number < kOrders; ++number) {
      ++counts[static_cast<std::size_t>(RandomPermutation(kSize, 1, Purpose::kShuffle, number)(place))];
    }
    double chi_squared = 0;
    for (const double count : counts) {
      constexpr double kExpected = static_cast<double>(kOrders) / kSize;
      chi_squared += std::pow(count - kExpected, 2) / kExpected;
    }
    EXPECT_LT(chi_squared, 27.9) << "place " << place;
  }
}

TEST(RandomPermutation, NeighboursArePulledApart) {
  // In a random order two neighbours are within 1 % of each other in 2 % of the cases: 400 ± 20 of 20,000.
  const RandomPermutation permutation(20'000, 1, Purpose::kShuffle);
  int close = 0;
  for (std::int64_t place = 1; place < permutation.size(); ++place) {
    close += std::abs(permutation(place) - permutation(place - 1)) < 200 ? 1 : 0;
  }
  EXPECT_NEAR(close, 398, 80);
}

}  // namespace
}  // namespace charrnn
