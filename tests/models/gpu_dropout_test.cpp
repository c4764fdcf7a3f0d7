// Dropout on a GPU multiplies by the masks made on the CPU, bit for bit.
#include "models/torch/gpu_dropout.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "dist/cuda_runtime.hpp"
#include "gpu/on_gpu.hpp"
#include "models/native/kernels.hpp"

namespace charrnn {
namespace {

using test::OnGpu;

std::vector<std::uint16_t> to_bf16(const std::vector<float>& numbers) {
  std::vector<std::uint16_t> rounded(numbers.size());
  kernels().to_bf16(std::ssize(numbers), numbers.data(), rounded.data());
  return rounded;
}

/// As bits: a dropped negative number is −0.
std::vector<std::uint32_t> bits_of(const std::vector<float>& numbers) {
  std::vector<std::uint32_t> bits;
  for (const float number : numbers) bits.push_back(std::bit_cast<std::uint32_t>(number));
  return bits;
}

class GpuDropout : public ::testing::Test {
  void SetUp() override {
    if (cuda_device_count() == 0) GTEST_SKIP() << "no GPU here";
  }

 protected:
  const DropoutKey key_{0xFEDCBA9876543210, (std::int64_t{1} << 33) + 5, 37};

  /// Numbers of both signs times the plan's mask, in both formats; at an address that goes for 16 bytes at once, at one
  /// that does not, and in place. The mask repeats itself.
  void expect_multiplies(const DropPlan& plan, const std::vector<float>& mask, std::size_t size) const {
    const auto words = dropout_key_words(key_);
    const OnGpu<std::int64_t> key(words);
    std::mt19937 random(3);
    std::uniform_real_distribution<float> uniform(-2, 2);
    std::vector<float> from(size);
    for (float& number : from) {  // exact in bfloat16
      number = std::bit_cast<float>(std::bit_cast<std::uint32_t>(uniform(random)) & 0xFFFF0000);
    }
    std::vector<float> expected(size);
    for (std::size_t i = 0; i < size; ++i) expected[i] = from[i] * mask[i % mask.size()];
    for (const std::size_t gap : {0, 1}) {
      const OnGpu<float> x(padded(from, gap)), y(std::vector<float>(size + gap));
      enqueue_dropout(plan, key.span().data(), x.span().subspan(gap), y.span().subspan(gap), nullptr);
      EXPECT_EQ(bits_of(y.contents()), bits_of(padded(expected, gap)));
      const OnGpu<std::uint16_t> both(padded(to_bf16(from), gap));
      enqueue_dropout(plan, key.span().data(), both.span().subspan(gap), both.span().subspan(gap), nullptr);
      EXPECT_EQ(both.contents(), padded(to_bf16(expected), gap));
    }
  }

 private:
  template <typename Number>
  static std::vector<Number> padded(std::vector<Number> numbers, std::size_t gap) {
    numbers.insert(numbers.begin(), gap, Number());
    return numbers;
  }
};

TEST_F(GpuDropout, OfOutputs) {
  struct Shape {
    std::int64_t length, columns, hidden;
  };
  for (const auto& [length, columns, hidden] :
       {Shape{1, 1, 1}, {3, 5, 24}, {7, 64, 19}, {40, 33, 513}, {64, 256, 512}}) {
    for (const bool is_locked : {false, true}) {
      SCOPED_TRACE(testing::Message() << length << " x " << columns << " x " << hidden
                                      << (is_locked ? ", locked" : ""));
      std::vector<float> mask(static_cast<std::size_t>((is_locked ? 1 : length) * columns * hidden));
      fill_dropout_mask(key_, kInputMask, 0.3, is_locked ? 1 : length, columns, hidden, 0, columns, mask);
      expect_multiplies(drop_outputs(kInputMask, 0.3, is_locked, columns, hidden), mask,
                        static_cast<std::size_t>(length * columns * hidden));
    }
  }
}

TEST_F(GpuDropout, OfWeights) {
  for (const std::int64_t size : {1, 8, 1021, 4 * 512 * 512}) {
    SCOPED_TRACE(size);
    std::vector<float> mask(static_cast<std::size_t>(size));
    fill_weight_mask(key_, 2, 0.5, 0, (size + 7) / 8, mask);
    expect_multiplies(drop_weights(2, 0.5, size), mask, mask.size());
  }
}

}  // namespace
}  // namespace charrnn
