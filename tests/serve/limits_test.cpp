#include "serve/limits.hpp"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

TEST(Places, AreGivenBack) {
  Places places(2);
  auto first = places.take();
  const auto second = places.take();
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(places.take());
  first.reset();
  EXPECT_TRUE(places.take());
}

TEST(Rate, AllowsABurstAndThenSoManyASecond) {
  Rate rate(10, 3);
  const auto now = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(rate.take(now));
  EXPECT_FALSE(rate.take(now));
  EXPECT_TRUE(rate.take(now + std::chrono::milliseconds(110)));
  EXPECT_FALSE(rate.take(now + std::chrono::milliseconds(110)));
}

}  // namespace
}  // namespace charrnn
