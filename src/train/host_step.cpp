#include <cassert>
#include <cmath>
#include <vector>

#include "train/gradient_norm.hpp"
#include "train/gradient_verdict.hpp"
#include "train/training_step.hpp"

namespace charrnn {

namespace {

class HostStep final : public TrainingStep {
 public:
  HostStep(const StepParts& parts, const Sharding& sharding, PhaseClock& clock)
      : parts_(parts), sharding_(sharding), clock_(clock) {}

  void begin(const Batch& batch, BatchState& state, std::int64_t step, double factor, const StepFlags& flags) override {
    const PhaseScope scope(&clock_, Phase::kReduce);
    std::vector<double> losses(batch.micro_batches.size());
    const std::vector<TrainMicroBatch> micro_batches = micro_batches_of(batch, state);
    parts_.reducer.begin(step);
    const auto sums = parts_.reducer.sums();
    GradientListener* listener = parts_.reducer.listener();
    if (parts_.noise != nullptr) listener = parts_.noise->begin(batch, sums, listener);
    parts_.model.train(micro_batches, {.dropout = dropout_key(batch, parts_.seed, step),
                                       .sums = sums,
                                       .losses = losses,
                                       .listener = listener,
                                       .clock = &clock_});
    if (parts_.noise != nullptr) parts_.noise->end_parts();
    parts_.reducer.finish();

    clock_.enter(Phase::kUpdate);
    const double scale = 1 / static_cast<double>(batch.all_targets);
    const double mine = gradient_norm(parts_.model, parts_.team) * scale;
    clock_.enter(Phase::kReduce);
    parts_.control.set_step(step);
    const auto [loss_sum, norm, all_flags] = agree_on_step(parts_.control, sharding_, losses, mine, flags);
    if (parts_.noise != nullptr) parts_.noise->add(parts_.control, norm / scale);
    clock_.enter(Phase::kUpdate);
    outcome_ = {loss_sum, loss_sum * scale, norm, true, all_flags};
    outcome_.finite = std::isfinite(outcome_.loss) && std::isfinite(norm);
    if (outcome_.finite) {
      parts_.optimizer.step(factor, scale * clip_factor(norm, parts_.clip_norm));
    } else {
      state.zero();  // what is not finite in it would spoil every window that follows
    }
  }

  StepOutcome finish() override { return outcome_; }
  bool runs_ahead() const override { return false; }

 private:
  StepParts parts_;
  Sharding sharding_;
  PhaseClock& clock_;
  StepOutcome outcome_;
};

}  // namespace

std::unique_ptr<TrainingStep> make_host_step(const StepParts& parts, const Sharding& sharding, PhaseClock& clock) {
  assert(!parts.model.device().cuda && "norm and update need a gradient in host memory");
  return std::make_unique<HostStep>(parts, sharding, clock);
}

}  // namespace charrnn
