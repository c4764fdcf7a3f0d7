// The verdict on a gradient, made on a GPU.
#include "train/gpu_verdict.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "dist/cuda_runtime.hpp"
#include "train/gradient_verdict.hpp"

namespace charrnn {
namespace {

/// Numbers in the GPU's memory.
template <class T>
class OnGpu {
 public:
  explicit OnGpu(const std::vector<T>& numbers)
      : size_(numbers.size()), data_(static_cast<T*>(memory_->allocate(size_ * sizeof(T)))) {
    memory_->to_device(data_, numbers.data(), size_ * sizeof(T));
  }
  ~OnGpu() { memory_->release(data_); }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;

  T* data() const { return data_; }
  std::span<const T> span() const { return {data_, size_}; }
  void to_host(void* host) const { memory_->to_host(host, data_, size_ * sizeof(T)); }

 private:
  std::unique_ptr<DeviceMemory> memory_ = make_cuda_memory();
  std::size_t size_;
  T* data_;
};

GradientVerdict verdict_on(const std::vector<float>& gradient, const std::vector<float>& losses, float targets,
                           double limit) {
  const OnGpu<float> on_gpu(gradient), of_losses(losses), of_targets({targets}), to(std::vector<float>(4, -1));
  const OnGpu<double> scratch(std::vector<double>(kVerdictScratch, NAN));
  queue_gpu_verdict(on_gpu.span(), of_losses.span(), of_targets.data(), limit, scratch.data(), to.data(), nullptr);
  GradientVerdict verdict;
  to.to_host(&verdict);
  return verdict;
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
