#include <c10/core/GradMode.h>

#include <vector>

#include "models/flat_tensor.hpp"
#include "train/fused_updates.hpp"
#include "train/optimizer.hpp"

namespace charrnn {

namespace {

class TorchUpdates final : public FusedUpdates {
 public:
  void adam(double beta1, double beta2, double weight_decay, double epsilon, bool decoupled) override {
    const auto fused = [&](const auto& step) {
      step(parameters, gradients, state[0], state[1], at::TensorList(), steps, rate, beta1, beta2, weight_decay,
           epsilon, false, false, divisor, leaves_out);
    };
    if (decoupled) {
      fused([](const auto&... arguments) { at::_fused_adamw_(arguments...); });
    } else {
      fused([](const auto&... arguments) { at::_fused_adam_(arguments...); });
    }
  }

  void sgd(double momentum, double weight_decay) override {
    if (momentum == 0) state[0].clear();  // as LibTorch wants it
    at::_fused_sgd_(parameters, gradients, state[0], weight_decay, momentum, rate, /*dampening=*/0, /*nesterov=*/false,
                    /*maximize=*/false, /*is_first_step=*/false, divisor, leaves_out);
  }

  // Of the group's stretches.
  std::vector<at::Tensor> parameters, gradients;
  std::vector<std::vector<at::Tensor>> state;  ///< by buffer
  std::vector<at::Tensor> steps;               ///< updates done, this one included
  at::Tensor rate, divisor, leaves_out;        ///< see QueuedUpdate
};

}  // namespace

void Optimizer::queue_step(const QueuedUpdate& numbers) {
  const c10::NoGradGuard no_grad;
  const Device device = model_.device();
  const auto number = [&](const float* from) { return wrap(std::span(from, 1), device); };
  const at::Tensor parameters = wrap(model_.writable_parameters(), device), gradient = wrap(model_.gradient(), device);
  at::Tensor steps = number(queued_steps_.span().data())[0];
  steps.add_(number(numbers.counts)[0]);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    TorchUpdates updates;
    updates.rate = number(numbers.rates + i);
    updates.divisor = number(numbers.divisor);
    updates.leaves_out = number(numbers.leaves_out);
    updates.state.resize(state_.size());
    for (const Range& stretch : stretches_[i]) {
      const auto cut = [&](const at::Tensor& buffer) { return buffer.slice(0, stretch.first, stretch.end()); };
      updates.parameters.push_back(cut(parameters));
      updates.gradients.push_back(cut(gradient));
      for (std::size_t b = 0; b < state_.size(); ++b) {
        updates.state[b].push_back(cut(wrap(state_[b].span(), device)));
      }
      updates.steps.push_back(steps);
    }
    queue_update(groups_[i], updates);
  }
}

}  // namespace charrnn
