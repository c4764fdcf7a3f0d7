// The recurrent kernels on a GPU, against PyTorch's layers on the CPU.
#include <gtest/gtest.h>

#include "dist/cuda_runtime.hpp"
#include "models/recurrence_checks.hpp"

namespace charrnn {
namespace {

class GpuRecurrence : public testing::TestWithParam<RecurrentCell> {
 protected:
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU here";
  }

  /// A size that the kernels are for: hidden units, columns.
  static RecurrenceCase of(std::int64_t hidden, std::int64_t columns) {
    return {.cell = GetParam(), .hidden = hidden, .columns = columns, .length = 8, .inputs = hidden};
  }
};
INSTANTIATE_TEST_SUITE_P(Cells, GpuRecurrence,
                         testing::Values(RecurrentCell::kRnn, RecurrentCell::kGru, RecurrentCell::kLstm),
                         [](const auto& cell) { return name_of(cell.param); });

TEST_P(GpuRecurrence, IsThatOfPytorch) {
  for (const std::int64_t hidden : {16, 512, 1024}) {
    for (const std::int64_t columns : {5, 64, 200}) expect_like_float64(of(hidden, columns), at::kCUDA);
  }
}

TEST_P(GpuRecurrence, KeepsNothingInEvaluation) {
  expect_evaluation_like_training(of(512, 64), at::kCUDA);
}

TEST_P(GpuRecurrence, ColumnsDependOnNothingButTheirOwn) {
  for (const std::int64_t hidden : {128, 512, 1024}) expect_columns_like_alone(of(hidden, 512), at::kCUDA);
}

TEST_P(GpuRecurrence, GivesTheSameBitsEveryTime) {
  const RecurrenceCase at{.cell = GetParam(), .hidden = 512, .columns = 256, .length = 64, .inputs = 0};
  const std::vector<at::Tensor> first = all_results(at, at::kCUDA);
  for (int time = 0; time < 20; ++time) {
    const std::vector<at::Tensor> again = all_results(at, at::kCUDA);
    for (std::size_t i = 0; i < first.size(); ++i) EXPECT_TRUE(at::equal(again[i], first[i])) << at << ": result " << i;
  }
}

}  // namespace
}  // namespace charrnn
