#include "dist/gpu_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string complaint(const std::vector<RankGpu>& gpus) {
  try {
    check_distinct_gpus(gpus);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(GpuCheck, DistinctGpusAreFine) {
  EXPECT_EQ(complaint({}), "");
  EXPECT_EQ(complaint({{"a", "GPU-1"}}), "");
  EXPECT_EQ(complaint({{"a", "GPU-1"}, {"a", "GPU-2"}, {"b", "GPU-3"}}), "");
}

TEST(GpuCheck, TheSameUuidOnAnotherHostIsAnotherGpu) {
  EXPECT_EQ(complaint({{"a", "GPU-1"}, {"b", "GPU-1"}}), "");
}

TEST(GpuCheck, NamesTheTwoRanksTheHostTheGpuAndTheFix) {
  EXPECT_THAT(complaint({{"a", "GPU-1"}, {"b", "GPU-7"}, {"a", "GPU-2"}, {"b", "GPU-7"}}),
              AllOf(HasSubstr("ranks 1 and 3 on b"), HasSubstr("GPU-7"), HasSubstr("--gpus-per-task=1"),
                    HasSubstr("`comm` mpi")));
}

TEST(GpuCheck, NamesTheFirstPairOfThree) {
  EXPECT_THAT(complaint({{"a", "GPU-1"}, {"a", "GPU-1"}, {"a", "GPU-1"}}), HasSubstr("ranks 0 and 1 on a"));
}

}  // namespace
}  // namespace charrnn
