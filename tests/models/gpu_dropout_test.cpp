// Masks made on a GPU are those made on the CPU, bit for bit.
#include "models/torch/gpu_dropout.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "dist/cuda_runtime.hpp"

namespace charrnn {
namespace {

/// Memory of the GPU with a key and a mask in it.
class OnGpu {
 public:
  OnGpu(const DropoutKey& key, std::size_t size)
      : key_(static_cast<std::int64_t*>(memory_->allocate(kGpuDropoutKeySize * sizeof(std::int64_t)))),
        mask_(static_cast<float*>(memory_->allocate(size * sizeof(float)))),
        host_(size, -1) {
    memory_->to_device(key_, gpu_dropout_key(key).data(), kGpuDropoutKeySize * sizeof(std::int64_t));
    memory_->to_device(mask_, host_.data(), size * sizeof(float));
  }
  ~OnGpu() {
    memory_->release(key_);
    memory_->release(mask_);
  }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;

  const std::int64_t* key() const { return key_; }
  std::span<float> mask() const { return {mask_, host_.size()}; }
  const std::vector<float>& found() {
    memory_->to_host(host_.data(), mask_, host_.size() * sizeof(float));
    return host_;
  }

 private:
  std::unique_ptr<DeviceMemory> memory_ = make_cuda_memory();
  std::int64_t* key_;
  float* mask_;
  std::vector<float> host_;
};

class GpuDropout : public ::testing::Test {
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU here";
  }

 protected:
  const DropoutKey key_{0xFEDCBA9876543210, (std::int64_t{1} << 33) + 5, 37};
};

TEST_F(GpuDropout, MasksOfOutputs) {
  struct Shape {
    std::int64_t length, columns, hidden;
  };
  for (const auto& [length, columns, hidden] : {Shape{1, 1, 1}, {3, 5, 24}, {7, 64, 19}, {40, 33, 513}}) {
    const auto size = static_cast<std::size_t>(length * columns * hidden);
    std::vector<float> expected(size);
    fill_dropout_mask(key_, kInputMask, 0.3, length, columns, hidden, 0, columns, expected);
    OnGpu gpu(key_, size);
    enqueue_dropout_mask(gpu.key(), kInputMask, 0.3, columns, hidden, gpu.mask(), nullptr);
    EXPECT_EQ(gpu.found(), expected) << length << " x " << columns << " x " << hidden;
  }
}

TEST_F(GpuDropout, MasksOfWeights) {
  for (const std::size_t size : {1, 8, 1021, 4 * 512 * 512}) {
    std::vector<float> expected(size);
    fill_weight_mask(key_, 2, 0.5, 0, static_cast<std::int64_t>(size + 7) / 8, expected);
    OnGpu gpu(key_, size);
    enqueue_weight_mask(gpu.key(), 2, 0.5, gpu.mask(), nullptr);
    EXPECT_EQ(gpu.found(), expected) << size;
  }
}

}  // namespace
}  // namespace charrnn
