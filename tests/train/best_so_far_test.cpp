// Series of validation losses made by hand, among 100 symbols: a uniform guess has log(100) = 4.6052.
#include "train/best_so_far.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace charrnn {
namespace {

constexpr std::int64_t kSymbols = 100;

std::vector<ValidationRecord> records_of(const std::vector<double>& losses) {
  std::vector<ValidationRecord> records;
  for (const double loss : losses) records.push_back({10 * (std::ssize(records) + 1), loss});
  return records;
}

/// What is known after validations with these losses at the steps 10, 20, 30, …
Checkpoint::Progress after(const std::vector<double>& losses) {
  Checkpoint::Progress progress;
  progress.best_val_loss = std::numeric_limits<double>::infinity();
  for (const ValidationRecord& record : records_of(losses)) take_if_best(progress, record, kSymbols);
  return progress;
}

TEST(BestSoFar, IsTheLowestBelowAUniformGuess) {
  const Checkpoint::Progress progress = after({5, 4, 3, 3.5, 3});
  EXPECT_EQ(progress.best_step, 30);
  EXPECT_EQ(progress.best_val_loss, 3);
  EXPECT_EQ(after({12, 9, 8, 7}).best_step, 0);
}

TEST(BestSoFar, WhatIsNotANumberIsNeverTheBest) {
  EXPECT_EQ(after({std::nan(""), 4}).best_step, 20);
  EXPECT_EQ(after({4, std::nan(""), 3}).best_step, 30);
}

TEST(BestSoFar, PatienceCountsFromTheLowestLossWhateverAGuessWouldHave) {
  const auto since = [](const std::vector<double>& losses) { return validations_since_lowest(records_of(losses)); };
  const double nan = std::nan("");
  EXPECT_EQ(since({}), 0);
  EXPECT_EQ(since({12, 9, 8, 7}), 0);
  EXPECT_EQ(since({12, 9, 10, 9, 11}), 3);
  EXPECT_EQ(since({nan, nan}), 2);
  EXPECT_EQ(since({nan, 4, nan}), 1);
}

}  // namespace
}  // namespace charrnn
