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
  EXPECT_EQ(complaint({{"a", "GPU-1", "01"}}), "");
  EXPECT_EQ(complaint({{"a", "GPU-1", "01"}, {"a", "GPU-2", "02"}, {"b", "GPU-3", "01"}}), "");
}

TEST(GpuCheck, TheSameUuidOnAnotherHostIsAnotherGpu) {
  EXPECT_EQ(complaint({{"a", "GPU-1", "01"}, {"b", "GPU-1", "01"}}), "");
}

TEST(GpuCheck, NamesTheTwoRanksTheHostTheGpuAndTheFix) {
  EXPECT_THAT(complaint({{"a", "GPU-1", "01"}, {"b", "GPU-7", "07"}, {"a", "GPU-2", "02"}, {"b", "GPU-7", "07"}}),
              AllOf(HasSubstr("ranks 1 and 3 on b"), HasSubstr("GPU-7"), HasSubstr("--gpus-per-node"),
                    HasSubstr("`comm` mpi")));
}

TEST(GpuCheck, NamesTheFirstPairOfThree) {
  EXPECT_THAT(complaint({{"a", "GPU-1", "01"}, {"a", "GPU-1", "01"}, {"a", "GPU-1", "01"}}),
              HasSubstr("ranks 0 and 1 on a"));
}

// NCCL tells GPUs apart by host and bus, and slices have the bus in common.
TEST(GpuCheck, SlicesOfOneGpu) {
  EXPECT_THAT(complaint({{"a", "MIG-1", "0000:65:00.0"}, {"a", "MIG-2", "0000:65:00.0"}}),
              AllOf(HasSubstr("ranks 0 and 1 on a"), HasSubstr("slices (MIG)"), HasSubstr("0000:65:00.0"),
                    HasSubstr("`comm` mpi")));
  EXPECT_EQ(complaint({{"a", "MIG-1", "01"}, {"a", "MIG-2", "02"}}), "");
}

TEST(GpuCheck, NeighboursThatCannotBeSeen) {
  const auto warning = [](const std::vector<RankGpu>& gpus) { return hidden_neighbours(gpus); };
  EXPECT_EQ(warning({{"a", "GPU-1", "01", 1}}), "");
  EXPECT_EQ(warning({{"a", "GPU-1", "01", 1}, {"b", "GPU-2", "01", 1}}), "");  // a node each
  EXPECT_EQ(warning({{"a", "GPU-1", "01", 2}, {"a", "GPU-2", "02", 2}}), "");
  EXPECT_THAT(warning({{"b", "GPU-1", "01", 2}, {"a", "GPU-2", "01", 1}, {"a", "GPU-3", "02", 1}}),
              AllOf(HasSubstr("ranks on a see one GPU each"), HasSubstr("NVLink"), HasSubstr("--gpus-per-node")));
}

}  // namespace
}  // namespace charrnn
