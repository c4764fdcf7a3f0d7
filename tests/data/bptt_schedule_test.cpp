#include "data/bptt_schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/error.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

constexpr std::int64_t kNotebookRows = 493'747 / 64;

std::int64_t sum(const std::vector<std::int64_t>& lengths) {
  return std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0});
}

TEST(BpttSchedule, TheNotebooksEpochHas963WindowsThatCoverTheText) {
  const BpttSchedule schedule(1, kNotebookRows, 8, true);
  EXPECT_EQ(schedule.windows_per_epoch(), 963);
  for (std::int64_t epoch = 0; epoch < 20; ++epoch) {
    const std::vector<std::int64_t> lengths = schedule.lengths(epoch);
    EXPECT_EQ(lengths.size(), 963U);
    EXPECT_EQ(sum(lengths), kNotebookRows - 1);
    EXPECT_GE(*std::min_element(lengths.begin(), lengths.end()), 5);
    EXPECT_LE(*std::max_element(lengths.begin(), lengths.end()), 8 + 6 * 5);
  }
}

TEST(BpttSchedule, LengthsAreSpreadAsTheLoadersAre) {
  // Of max(5, trunc(normal(8, 5))), with 5 % around 4: P(length = 5) = 0.360 from the normal distribution's
  // tables (0.95·Φ(−0.4) + 0.05·Φ(0.4)); the fit to the text moves some windows by one, and only towards 8 on
  // average.
  const BpttSchedule schedule(3, kNotebookRows, 8, true);
  std::int64_t fives = 0, above_twelve = 0, windows = 0;
  for (std::int64_t epoch = 0; epoch < 50; ++epoch) {
    for (const std::int64_t length : schedule.lengths(epoch)) {
      ++windows;
      fives += length == 5 ? 1 : 0;
      above_twelve += length > 12 ? 1 : 0;
    }
  }
  const double n = static_cast<double>(windows);
  EXPECT_GT(static_cast<double>(fives) / n, 0.360 - 0.01);
  EXPECT_LT(static_cast<double>(fives) / n, 0.50);
  // P(length > 12) = 0.95·(1 − Φ(1)) + 0.05·(1 − Φ(1.8)) = 0.153 before the fit, which can only lower it
  // here.
  EXPECT_GT(static_cast<double>(above_twelve) / n, 0.11);
  EXPECT_LT(static_cast<double>(above_twelve) / n, 0.16);
}

TEST(BpttSchedule, IsAPureFunctionOfSeedAndEpoch) {
  const BpttSchedule one(1, 1000, 8, true), same(1, 1000, 8, true), other(2, 1000, 8, true);
  EXPECT_EQ(one.lengths(3), same.lengths(3));
  EXPECT_NE(one.lengths(3), one.lengths(4));
  EXPECT_NE(one.lengths(3), other.lengths(3));
}

TEST(BpttSchedule, WithoutJitterOnlyTheLastWindowIsShorter) {
  const BpttSchedule schedule(1, 28, 8, false);
  EXPECT_EQ(schedule.windows_per_epoch(), 4);
  EXPECT_THAT(schedule.lengths(5), testing::ElementsAre(8, 8, 8, 3));
}

TEST(BpttSchedule, EveryShapeIsCovered) {
  for (const std::int64_t bptt : {1, 2, 3, 5, 8, 64}) {
    for (const std::int64_t rows : {bptt + 1, bptt + 2, 2 * bptt + 1, 3 * bptt, 10 * bptt + 7}) {
      for (const bool jitter : {false, true}) {
        const BpttSchedule schedule(1, rows, bptt, jitter);
        const std::vector<std::int64_t> lengths = schedule.lengths(0);
        EXPECT_EQ(sum(lengths), rows - 1) << rows << " rows, bptt " << bptt;
        EXPECT_EQ(static_cast<std::int64_t>(lengths.size()), schedule.windows_per_epoch());
        EXPECT_GE(*std::min_element(lengths.begin(), lengths.end()), 1);
      }
    }
  }
}

TEST(BpttSchedule, TooFewRowsAreRefusedWithSizes) {
  EXPECT_THAT(error_of<DataError>([] { BpttSchedule(1, 8, 8, true); }),
              testing::AllOf(testing::HasSubstr("8 rows"), testing::HasSubstr("`bptt` 8")));
}

}  // namespace
}  // namespace charrnn
