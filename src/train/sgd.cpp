#include "train/fused_updates.hpp"
#include "train/optimizer.hpp"

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

  void queue_update(const ParameterGroup& group, FusedUpdates& updates) const override {
    updates.sgd(momentum_, group.weight_decay);
  }

  double momentum_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team) {
  return std::make_unique<Sgd>(config, model, team);
}

}  // namespace charrnn
