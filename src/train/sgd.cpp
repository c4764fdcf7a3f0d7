#include "train/gpu_stretches.hpp"
#include "train/optimizer.hpp"
#include "train/update_kernels.hpp"

namespace charrnn {

namespace {

class Sgd final : public Optimizer {
 public:
  Sgd(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team)
      : Optimizer(config, model, team, {"momentum_buffer"}), momentum_(config.momentum) {}

 private:
  void update(const ParameterGroup& group, double rate, double gradient_scale, const Stretch& stretch) const override {
    update_kernels().sgd(stretch.size, stretch.parameters, stretch.gradient, stretch.state[0],
                         {.learning_rate = static_cast<float>(rate),
                          .momentum = static_cast<float>(momentum_),
                          .gradient_scale = static_cast<float>(gradient_scale),
                          .weight_decay = static_cast<float>(group.weight_decay)});
  }

  void update(const ParameterGroup& group, double rate, GpuStretches& all) const override {
    at::_fused_sgd_(all.parameters, all.gradients, all.state[0], group.weight_decay, momentum_, rate,
                    /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false, /*is_first_step=*/false);
  }

  double momentum_;
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const OptimizerConfig& config, LanguageModel& model, ThreadTeam& team) {
  return std::make_unique<Sgd>(config, model, team);
}

}  // namespace charrnn
