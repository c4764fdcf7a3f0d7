// The verdict on a gradient, from numbers worked out by hand.
#include "train/gradient_verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace charrnn {
namespace {

TEST(GradientVerdict, ClipsAsPyTorchDoes) {
  EXPECT_EQ(clip_factor(2, 0), 1) << "no limit";
  EXPECT_EQ(clip_factor(0.5, 1), 1);
  EXPECT_NEAR(clip_factor(4, 1), 0.25, 1e-6);
}

TEST(GradientVerdict, OfASumOverTargets) {
  const GradientVerdict whole = judge(80, 30, 10, 0);
  EXPECT_EQ(whole.norm, 8);
  EXPECT_EQ(whole.divisor, 10);
  EXPECT_EQ(whole.leaves_out, 0);
  EXPECT_EQ(whole.counts, 1);
  const GradientVerdict clipped = judge(80, 30, 10, 2);
  EXPECT_EQ(clipped.norm, 8) << "before clipping";
  EXPECT_NEAR(clipped.divisor, 40, 1e-4) << "the mean's norm becomes 2";
}

TEST(GradientVerdict, LeavesOutWhatIsNotFinite) {
  constexpr double kInf = std::numeric_limits<double>::infinity(), kNan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& [length, loss] : {std::pair(kInf, 1.0), {kNan, 1.0}, {1.0, kInf}, {1.0, -kInf}, {1.0, kNan}}) {
    const GradientVerdict verdict = judge(length, loss, 10, 1);
    EXPECT_EQ(verdict.leaves_out, 1) << length << " " << loss;
    EXPECT_EQ(verdict.counts, 0);
  }
}

}  // namespace
}  // namespace charrnn
