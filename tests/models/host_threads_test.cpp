// A program of one's own that uses the library: LibTorch's threads stay as they were. First calls count, so this is a test
// program of its own.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/instruction_set.hpp"
#include "models/libtorch.hpp"
#include "models/native/panels.hpp"

namespace charrnn {
namespace {

TEST(HostThreads, StayAsTheyWere) {
  if (instruction_set() < InstructionSet::kAvx2) GTEST_SKIP() << "LibTorch's BLAS must have one thread";
  constexpr std::int64_t kRows = 20, kDepth = 32, kThreads = 3;
  at::set_num_threads(kThreads);
  std::vector<float> a(kRows * kDepth, 1), b(kDepth * kPanelWidth, 2), c(kRows * kPanelWidth);
  Panels panels;
  panels.resize(kDepth, kPanelWidth);
  panels.pack_rows({b.data(), kPanelWidth, kDepth}, 0, {0, kDepth});
  LeftFactor({a.data(), kDepth, kRows}, kDepth, panels).multiply(c.data(), kPanelWidth, false, panels, {0, 1});
  EXPECT_EQ(c, std::vector<float>(c.size(), 2 * kDepth));
  EXPECT_EQ(at::get_num_threads(), kThreads);
  libtorch().configure(2, false);
  EXPECT_EQ(at::get_num_threads(), 2);
}

}  // namespace
}  // namespace charrnn
