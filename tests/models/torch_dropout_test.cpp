// Dropout in LibTorch's engine: results and gradients are those of a multiplication by the masks of dropout.hpp, on
// every device that is here.
#include "models/torch/torch_dropout.hpp"

#include <gtest/gtest.h>

#include <string>

#include "models/dropout.hpp"
#include "models/flat_tensor.hpp"
#include "models/torch/drop_block.hpp"

namespace charrnn {
namespace {

constexpr DropoutKey kKey{0xFEDCBA9876543210, (std::int64_t{1} << 33) + 5, 37};
constexpr std::int64_t kLength = 5, kColumns = 6;

class TorchDropoutOn : public ::testing::TestWithParam<at::DeviceType> {
  void SetUp() override {
    if (GetParam() == at::kCUDA && !at::hasCUDA()) GTEST_SKIP() << "no GPU here";
  }

 protected:
  /// The same numbers on every device, of both signs.
  static at::Tensor draw(at::IntArrayRef shape, at::ScalarType type, std::int64_t seed) {
    return at::randn(shape, at::detail::createCPUGenerator(static_cast<std::uint64_t>(seed))).to(GetParam(), type);
  }
  TorchDropout dropout() const { return {config_, at::tensor(dropout_key_words(kKey)).to(GetParam())}; }

  at::Tensor mask(std::int64_t layer, double p, std::int64_t length, std::int64_t units) const {
    const at::Tensor mask = at::empty({length, kColumns, units});
    fill_dropout_mask(kKey, layer, p, length, kColumns, units, 0, kColumns, span_of(mask));
    return mask.to(GetParam());
  }

  static void expect_same_bits(const at::Tensor& found, const at::Tensor& expected, const char* what) {
    ASSERT_EQ(found.scalar_type(), expected.scalar_type()) << what;
    const at::ScalarType bits = found.scalar_type() == at::kBFloat16 ? at::kShort : at::kInt;
    EXPECT_TRUE(at::equal(found.contiguous().view(bits), expected.contiguous().view(bits))) << what;
  }

  /// `drop` against a multiplication in float32 by `mask` whose result is rounded, there and on the way back.
  template <typename Drop>
  static void expect_multiplies(const at::Tensor& values, const at::Tensor& mask, const Drop& drop) {
    const auto multiply = [&](const at::Tensor& x) { return (x.to(at::kFloat) * mask).to(values.scalar_type()); };
    const at::Tensor x = values.clone().requires_grad_(true), y = drop(x);
    expect_same_bits(y.detach(), multiply(values), "result");
    // As gradients come: the second one is laid out in memory in another order.
    const at::Tensor d = draw(values.sizes(), values.scalar_type(), 2);
    for (const at::Tensor& gradient : {d, d.transpose(0, 1).contiguous().transpose(0, 1)}) {
      x.mutable_grad() = at::Tensor();
      y.backward(gradient, /*retain_graph=*/true);
      expect_same_bits(x.grad(), multiply(d), "gradient");
    }
  }

  ModelConfig config_ = [] {
    ModelConfig config;
    config.layers = 3;
    return config;
  }();
};

TEST_P(TorchDropoutOn, Outputs) {
  config_.dropout = 0.3;
  config_.dropout_output = 0.6;
  config_.dropout_input = 0.1;
  for (const bool is_locked : {false, true}) {
    config_.locked_dropout = is_locked;
    for (const std::int64_t units : {16, 21}) {
      for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
        SCOPED_TRACE(testing::Message() << units << " units, " << at::toString(type) << (is_locked ? ", locked" : ""));
        const at::Tensor x = draw({kLength, kColumns, units}, type, 1);
        const std::int64_t drawn = is_locked ? 1 : kLength;
        expect_multiplies(x, mask(kInputMask, 0.1, drawn, units),
                          [&](const at::Tensor& from) { return dropout().of_input(from); });
        for (std::int64_t layer = 0; layer < 3; ++layer) {
          expect_multiplies(x, mask(layer, layer < 2 ? 0.3 : 0.6, drawn, units),
                            [&](const at::Tensor& from) { return dropout().of_outputs(from, layer); });
        }
      }
    }
  }
}

TEST_P(TorchDropoutOn, Weights) {
  config_.weight_dropout = 0.4;
  for (const std::int64_t units : {16, 21}) {
    const at::Tensor mask = at::empty({3 * units, units});
    fill_weight_mask(kKey, 1, 0.4, 0, (mask.numel() + kDrawsPerBlock - 1) / kDrawsPerBlock, span_of(mask));
    expect_multiplies(draw(mask.sizes(), at::kFloat, 1), mask.to(GetParam()),
                      [&](const at::Tensor& from) { return dropout().of_weights(from, 1); });
  }
}

TEST_P(TorchDropoutOn, NothingWithoutKeyOrProbability) {
  const at::Tensor x = draw({kLength, kColumns, 4}, at::kFloat, 1);
  EXPECT_TRUE(dropout().of_input(x).is_same(x));
  EXPECT_TRUE(dropout().of_weights(x, 0).is_same(x));
  config_.dropout = config_.dropout_input = config_.weight_dropout = 0.5;
  const TorchDropout off(config_, at::Tensor());
  EXPECT_TRUE(off.of_input(x).is_same(x));
  EXPECT_TRUE(off.of_outputs(x, 0).is_same(x));
  EXPECT_TRUE(off.of_weights(x, 0).is_same(x));
}

INSTANTIATE_TEST_SUITE_P(Devices, TorchDropoutOn, ::testing::Values(at::kCPU, at::kCUDA),
                         [](const auto& one) { return one.param == at::kCPU ? "Cpu" : "Gpu"; });

}  // namespace
}  // namespace charrnn
