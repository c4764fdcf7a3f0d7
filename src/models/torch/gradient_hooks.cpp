#include "models/torch/gradient_hooks.hpp"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <utility>

namespace charrnn {

struct GradientHooks::Parts {
  std::vector<std::size_t> of_leaf;
  std::vector<std::size_t> missing;  ///< leaves of each part whose gradient is still to come
  std::function<void(std::size_t)> is_complete;
};

class GradientHooks::Hook final : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(std::shared_ptr<Parts> parts, std::size_t part) : parts_(std::move(parts)), part_(part) {}
  void operator()(const at::Tensor& /*leaf*/) override {
    if (--parts_->missing[part_] == 0) parts_->is_complete(part_);
  }

 private:
  std::shared_ptr<Parts> parts_;
  std::size_t part_;
};

GradientHooks::GradientHooks(std::span<const at::Tensor> leaves, std::vector<std::size_t> part_of_leaf,
                             std::function<void(std::size_t)> is_complete)
    : parts_(std::make_shared<Parts>(Parts{std::move(part_of_leaf), {}, std::move(is_complete)})) {
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    torch::autograd::impl::set_post_acc_grad_hooks(leaves[i], std::make_unique<Hook>(parts_, parts_->of_leaf[i]));
  }
  begin();
}

void GradientHooks::begin() {
  const std::vector<std::size_t>& of_leaf = parts_->of_leaf;
  parts_->missing.assign(1 + *std::ranges::max_element(of_leaf), 0);
  for (const std::size_t part : of_leaf) ++parts_->missing[part];
}

}  // namespace charrnn
