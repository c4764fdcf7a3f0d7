#include "train/cost_model.hpp"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

TEST(CostModel, AllReduceByHand) {
  const ReduceCost cost{.alpha = 1e-5, .beta = 1e-9};
  // 8 ranks: 2·3 messages, and 2·7/8 of the bytes.
  EXPECT_DOUBLE_EQ(cost.seconds(8, 4e6), 6e-5 + 7e-3);
  EXPECT_DOUBLE_EQ(cost.seconds(1, 4e6), 0);
}

TEST(CostModel, GivesBackWhatWasMeasured) {
  const ReduceCost truth{.alpha = 3e-6, .beta = 5e-10};
  for (const int ranks : {2, 3, 16}) {
    const ReduceCost found = ReduceCost::from_measured(ranks, truth.seconds(ranks, 0), truth.seconds(ranks, 1e7), 1e7);
    EXPECT_NEAR(found.alpha, truth.alpha, 1e-12);
    EXPECT_NEAR(found.beta, truth.beta, 1e-15);
  }
}

TEST(CostModel, TheRankWithMostColumnsDecides) {
  const CostModel model{.per_step = 0.5, .per_column = 0.25, .reduce = {}, .gradient_bytes = 100};
  EXPECT_DOUBLE_EQ(model.step_seconds(8, 4), 0.5 + 2 * 0.25);
  EXPECT_DOUBLE_EQ(model.step_seconds(9, 4), 0.5 + 3 * 0.25);
}

}  // namespace
}  // namespace charrnn
