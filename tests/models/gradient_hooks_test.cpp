// When autograd has completed which part of a gradient.
#include "models/torch/gradient_hooks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace charrnn {
namespace {

using testing::ElementsAre;

TEST(GradientHooks, TellPartsFromTheTopWhenTheirGradientsAreThere) {
  std::vector<at::Tensor> leaves;
  for (int i = 0; i < 4; ++i) {
    leaves.push_back(at::full({2, 2}, 0.1 * (i + 1)).requires_grad_(true));
    leaves.back().mutable_grad() = at::zeros({2, 2});
  }
  std::vector<std::size_t> told;
  std::vector<float> of_told;
  const auto sum = [&](int i) { return leaves[static_cast<std::size_t>(i)].grad().abs().sum().item<float>(); };
  // Two layers of two weights; the upper one is part 0.
  GradientHooks hooks(leaves, {1, 1, 0, 0}, [&](std::size_t part) {
    told.push_back(part);
    of_told.push_back(part == 0 ? std::min(sum(2), sum(3)) : std::min(sum(0), sum(1)));
    if (part == 0) {
      EXPECT_EQ(sum(0), 0) << "the lower layer comes later";
    }
  });
  const auto backward = [&] {
    for (const at::Tensor& leaf : leaves) leaf.mutable_grad().zero_();
    hooks.begin();
    const at::Tensor lower = at::tanh(at::mm(at::tanh(at::mm(at::ones({1, 2}), leaves[0])), leaves[1]));
    at::mm(at::tanh(at::mm(lower, leaves[2])), leaves[3]).sum().backward();
  };
  backward();
  EXPECT_THAT(told, ElementsAre(0, 1));
  EXPECT_THAT(of_told, testing::Each(testing::Gt(0)));
  backward();
  EXPECT_THAT(told, ElementsAre(0, 1, 0, 1));
}

}  // namespace
}  // namespace charrnn
