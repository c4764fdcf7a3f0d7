#include "train/optimizer.hpp"
#include "train/queued_stretches.hpp"

namespace charrnn {

namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team)
      : Optimizer(config, model, team, {"momentum_buffer"}), momentum_(config.momentum) {}

 private:
  void update(const ParameterGroup& group, double rate, double gradient_scale, const Stretch& stretch) const override {
    // In variables of this function, which nothing else can change, so that the loop becomes vector instructions.
    const auto learning_rate = static_cast<float>(rate), scale = static_cast<float>(gradient_scale),
               momentum = static_cast<float>(momentum_), weight_decay = static_cast<float>(group.weight_decay);
    const auto [size, parameters, gradient, state] = stretch;
    float* const momentum_buffer = state[0];
    for (std::int64_t i = 0; i < size; ++i) {
      momentum_buffer[i] = momentum * momentum_buffer[i] + gradient[i] * scale + parameters[i] * weight_decay;
      parameters[i] -= learning_rate * momentum_buffer[i];
    }
  }

  void queue_update(const ParameterGroup& group, QueuedStretches& all) const override {
    if (momentum_ == 0) all.state[0].clear();  // as LibTorch wants it
    at::_fused_sgd_(all.parameters, all.gradients, all.state[0], group.weight_decay, momentum_, all.rate,
                    /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/false, all.divisor,
                    all.leaves_out);
  }

  double momentum_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team) {
  return std::make_unique<Sgd>(config, model, team);
}

}  // namespace charrnn
