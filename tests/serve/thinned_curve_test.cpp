#include "serve/thinned_curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace charrnn {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ThinnedCurve, KeepsFewPointsAsTheyAre) {
  ThinnedCurve curve;
  EXPECT_THAT(curve.points(), IsEmpty());
  curve.add(10, 2.5);
  curve.add(30, 1.5);
  EXPECT_THAT(curve.points(), ElementsAre(Pair(10, 2.5), Pair(30, 1.5)));
}

TEST(ThinnedCurve, ManyBecomeMeansOfEqualStretches) {
  ThinnedCurve curve;
  for (int step = 1; step <= 80; ++step) curve.add(step, step);
  EXPECT_EQ(curve.points().size(), 80U);
  curve.add(81, 81);
  const auto points = curve.points();
  ASSERT_EQ(points.size(), 41U);
  EXPECT_THAT(points[0], Pair(2, 1.5));
  EXPECT_THAT(points[39], Pair(80, 79.5));
  EXPECT_THAT(points[40], Pair(81, 81));
}

TEST(ThinnedCurve, NeverHasMoreThanEighty) {
  ThinnedCurve curve;
  for (int step = 1; step <= 10'000; ++step) {
    curve.add(step, 3);
    ASSERT_LE(curve.points().size(), 80U);
  }
  EXPECT_GE(curve.points().size(), 40U);
  for (const auto& [step, mean] : curve.points()) EXPECT_EQ(mean, 3);
}

}  // namespace
}  // namespace charrnn
