#include <cmath>

#include "train/fused_updates.hpp"
#include "train/optimizer.hpp"
#include "train/update_kernels.hpp"

namespace charrnn {

namespace {

class Adam final : public Optimizer {
 public:
  Adam(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team, bool decoupled)
      : Optimizer(config, model, team, {"exp_avg", "exp_avg_sq"}),
        beta1_(config.betas.at(0)),
        beta2_(config.betas.at(1)),
        epsilon_(config.epsilon),
        decoupled_(decoupled) {}

 private:
  void update(const ParameterGroup& group, double rate, double gradient_scale, const Stretch& stretch) const override {
    const auto n = static_cast<double>(steps());
    const AdamRates rates{.rest1 = static_cast<float>(1 - beta1_),
                          .rest2 = static_cast<float>(1 - beta2_),
                          .beta2 = static_cast<float>(beta2_),
                          .epsilon = static_cast<float>(epsilon_),
                          .step_size = static_cast<float>(rate / (1 - std::pow(beta1_, n))),
                          .per_root_bias = static_cast<float>(1 / std::sqrt(1 - std::pow(beta2_, n))),
                          .gradient_scale = static_cast<float>(gradient_scale),
                          .weight_decay = static_cast<float>(decoupled_ ? 0 : group.weight_decay),
                          .shrink = static_cast<float>(decoupled_ ? 1 - rate * group.weight_decay : 1)};
    update_kernels().adam(stretch.size, stretch.parameters, stretch.gradient, stretch.state[0], stretch.state[1],
                          rates);
  }

  void queue_update(const ParameterGroup& group, FusedUpdates& updates) const override {
    updates.adam(beta1_, beta2_, group.weight_decay, epsilon_, decoupled_);
  }

  double beta1_, beta2_, epsilon_;
  bool decoupled_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team,
                                     bool decoupled) {
  return std::make_unique<Adam>(config, model, team, decoupled);
}

}  // namespace charrnn
