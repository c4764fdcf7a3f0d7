// The verdict on a gradient, made on a GPU.
#include "train/gpu_verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "dist/cuda_runtime.hpp"
#include "gpu/on_gpu.hpp"
#include "train/gradient_verdict.hpp"

namespace charrnn {
namespace {

using test::OnGpu;

GradientVerdict verdict_on(const std::vector<float>& gradient, const std::vector<float>& losses, float targets,
                           double limit) {
  const OnGpu<float> on_gpu(gradient), of_losses(losses), of_targets(std::vector<float>(1, targets)),
      to(std::vector<float>(4, -1));
  const OnGpu<double> scratch(std::vector<double>(kVerdictScratch, NAN));
  queue_gpu_verdict(on_gpu.span(), of_losses.span(), of_targets.span().data(), limit, scratch.span().data(),
                    to.span().data(), nullptr);
  const std::vector<float> found = to.contents();
  return {found[0], found[1], found[2], found[3]};
}

class GpuVerdict : public ::testing::Test {
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU here";
  }
};

TEST_F(GpuVerdict, IsThatOnTheCpu) {
  for (const std::size_t size : {1U, 255U, 65'536U, 1'000'003U}) {
    std::vector<float> gradient(size);
    double squares = 0;
    for (std::size_t i = 0; i < size; ++i) {
      gradient[i] = static_cast<float>(std::sin(static_cast<double>(i)));
      squares += static_cast<double>(gradient[i]) * gradient[i];
    }
    const GradientVerdict expected = judge(std::sqrt(squares), 3.5, 7, 0.5);
    const GradientVerdict found = verdict_on(gradient, {1, 2.5}, 7, 0.5);
    EXPECT_FLOAT_EQ(found.norm, expected.norm) << size;
    EXPECT_FLOAT_EQ(found.divisor, expected.divisor) << size;
    EXPECT_EQ(found.leaves_out, 0);
    EXPECT_EQ(found.counts, 1);
  }
}

TEST_F(GpuVerdict, FindsASingleNumberThatIsNotFinite) {
  std::vector<float> gradient(300'000, 1e-3F);
  gradient[299'999] = NAN;
  EXPECT_EQ(verdict_on(gradient, {1}, 1, 0).leaves_out, 1);
  gradient[299'999] = INFINITY;
  EXPECT_EQ(verdict_on(gradient, {1}, 1, 0).leaves_out, 1);
  gradient[299'999] = 0;
  std::vector<float> losses(1000, 1);
  EXPECT_EQ(verdict_on(gradient, losses, 1, 0).leaves_out, 0);
  losses[999] = NAN;
  EXPECT_EQ(verdict_on(gradient, losses, 1, 0).leaves_out, 1);
}

}  // namespace
}  // namespace charrnn
