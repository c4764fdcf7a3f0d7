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

// An H100's LSTM of 2 x 512 in bf16, windows of 70: 6.6 ms with 512 columns, 2.81 with 64.
TEST(CostModel, TimeThatColumnsDoNotTake) {
  const ColumnCost cost = ColumnCost::from_measured(512, 6.6e-3, 64, 2.81e-3);
  EXPECT_NEAR(cost.per_column, 3.79e-3 / 448, 1e-12);
  EXPECT_NEAR(cost.fixed + 64 * cost.per_column, 2.81e-3, 1e-12);
  EXPECT_NEAR(cost.fixed + 512 * cost.per_column, 6.6e-3, 1e-12);
}

TEST(CostModel, TimesThatVary) {
  const ColumnCost flat = ColumnCost::from_measured(8, 1.0, 2, 1.1);  // fewer columns took longer
  EXPECT_EQ(flat.per_column, 0);
  EXPECT_EQ(flat.fixed, 1);
  const ColumnCost steep = ColumnCost::from_measured(8, 1.0, 2, 0.1);  // more than in proportion
  EXPECT_EQ(steep.per_column, 1.0 / 8);
  EXPECT_EQ(steep.fixed, 0);
  const ColumnCost one = ColumnCost::from_measured(3, 0.75, 3, 0.75);
  EXPECT_EQ(one.per_column, 0.25);
  EXPECT_EQ(one.fixed, 0);
}

TEST(CostModel, TheRankWithMostColumnsDecides) {
  const CostModel model{
      .per_update = 0.5, .columns = {.fixed = 1, .per_column = 0.25}, .reduce = {}, .gradient_bytes = 100};
  EXPECT_DOUBLE_EQ(model.step_seconds(8, 4), 1.5 + 2 * 0.25);
  EXPECT_DOUBLE_EQ(model.step_seconds(9, 4), 1.5 + 3 * 0.25);
}

}  // namespace
}  // namespace charrnn
