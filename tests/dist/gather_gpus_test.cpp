#include <gtest/gtest.h>

#include "dist/gpu_check.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"

namespace charrnn {
namespace {

TEST(GatherGpus, EveryRankGetsEveryonesInOrder) {
  const int rank = test::mpi().rank();
  MpiCommunicator control(test::mpi(), Seconds(20));
  const auto of = [](int r) {
    return RankGpu{std::string(static_cast<std::size_t>(r), 'h'), fmt::format("GPU-{}", r), fmt::format("0{}", r),
                   r + 2};
  };
  const std::vector<RankGpu> all = gather_gpus(control, of(rank));
  ASSERT_EQ(std::ssize(all), test::mpi().size());
  for (int r = 0; r < test::mpi().size(); ++r) EXPECT_EQ(all[static_cast<std::size_t>(r)], of(r));
}

}  // namespace
}  // namespace charrnn
