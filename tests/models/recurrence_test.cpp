// The recurrent kernels' source, run on the CPU, against PyTorch's layers.
#include "models/cuda/recurrence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gpu/recurrence_on_cpu.hpp"
#include "models/recurrence_checks.hpp"

namespace charrnn {
namespace {

using testing::HasSubstr;

constexpr RecurrentCell kCells[] = {RecurrentCell::kRnn, RecurrentCell::kGru, RecurrentCell::kLstm};

class Recurrence : public testing::TestWithParam<RecurrentCell> {
 protected:
  void SetUp() override { on_cpu = {}; }
};
INSTANTIATE_TEST_SUITE_P(Cells, Recurrence, testing::ValuesIn(kCells),
                         [](const auto& cell) { return name_of(cell.param); });

TEST_P(Recurrence, IsThatOfPytorch) {
  expect_like_float64({.cell = GetParam(), .hidden = 32, .columns = 5, .length = 7, .inputs = 24}, at::kCPU);
  expect_like_float64({.cell = GetParam(), .hidden = 64, .columns = 20, .length = 3, .inputs = 64}, at::kCPU);
  expect_like_float64({.cell = GetParam(), .hidden = 16, .columns = 16, .length = 1, .inputs = 8}, at::kCPU);
  on_cpu.groups = 1;  // which has to compute several tiles
  expect_like_float64({.cell = GetParam(), .hidden = 48, .columns = 40, .length = 5, .inputs = 16}, at::kCPU);
}

TEST_P(Recurrence, TakesMoreDepthThanWarpsHaveAtATime) {
  expect_like_float64({.cell = GetParam(), .hidden = 160, .columns = 16, .length = 3, .inputs = 16}, at::kCPU);
}

TEST_P(Recurrence, KeepsNothingInEvaluation) {
  expect_evaluation_like_training({.cell = GetParam(), .hidden = 32, .columns = 20, .length = 4, .inputs = 8},
                                  at::kCPU);
}

TEST_P(Recurrence, ColumnsDependOnNothingButTheirOwn) {
  for (const unsigned groups : {1, 2, 3}) {
    on_cpu.groups = groups;
    expect_columns_like_alone({.cell = GetParam(), .hidden = 48, .columns = 48, .length = 4, .inputs = 0}, at::kCPU);
  }
}

TEST_P(Recurrence, DoesNotDependOnTheOrderOfThreads) {
  const RecurrenceCase at{.cell = GetParam(), .hidden = 48, .columns = 32, .length = 5, .inputs = 0};
  const std::vector<at::Tensor> first = all_results(at, at::kCPU);
  for (std::uint64_t seed = 2; seed < 5; ++seed) {
    on_cpu.seed = seed;
    const std::vector<at::Tensor> again = all_results(at, at::kCPU);
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(at::equal(again[i], first[i])) << at << ": result " << i;
  }
}

constexpr std::int64_t kKiB = 1024;
constexpr GpuSize kA100{.multiprocessors = 108, .shared_bytes = 163 * kKiB, .capability = 80};
constexpr GpuSize kH100{.multiprocessors = 132, .shared_bytes = 227 * kKiB, .capability = 90};

TEST(RecurrenceSize, FitsUpToAThousandUnits) {
  for (const RecurrentCell cell : kCells) {
    for (const std::int64_t hidden : {16, 512, 1024}) {
      EXPECT_EQ(why_no_recurrence(cell, hidden, kA100), std::nullopt);
      EXPECT_EQ(why_no_recurrence(cell, hidden, kH100), std::nullopt);
    }
  }
}

TEST(RecurrenceSize, SaysWhatDoesNotFit) {
  const auto reason = [](RecurrentCell cell, std::int64_t hidden, const GpuSize& gpu) {
    return why_no_recurrence(cell, hidden, gpu).value_or("it fits");
  };
  constexpr GpuSize kT4{.multiprocessors = 40, .shared_bytes = 64 * kKiB, .capability = 75};
  EXPECT_THAT(reason(RecurrentCell::kRnn, 256, kT4), HasSubstr("compute capability is 7.5, and 8.0"));
  EXPECT_THAT(reason(RecurrentCell::kRnn, 500, kH100), HasSubstr("multiple of 16"));
  EXPECT_THAT(reason(RecurrentCell::kLstm, 2048, kH100), HasSubstr("289 KiB"));
  EXPECT_THAT(reason(RecurrentCell::kRnn, 2112, kH100), HasSubstr("fits"));
  EXPECT_THAT(reason(RecurrentCell::kRnn, 2128, kH100), HasSubstr("133 multiprocessors, and this GPU has 132"));
}

}  // namespace
}  // namespace charrnn
