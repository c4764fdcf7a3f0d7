#include "train/training_step.hpp"

#include <cmath>
#include <vector>

#include "train/group_sum.hpp"

namespace charrnn {

StepOutcome TrainingStep::run(const Batch& batch, BatchState& state, std::int64_t step, double factor,
                              bool wants_to_stop) {
  const PhaseScope scope(&clock_, Phase::kReduce);
  std::vector<double> losses(batch.groups.size());
  const std::vector<TrainGroup> groups = train_groups(batch, state);
  const DropoutKey dropout{static_cast<std::uint64_t>(seed_), step,
                           groups.empty() ? 0 : batch.groups.front().columns.first};
  reducer_.sum(step, [&](std::span<const GradientSum> sums) { model_.train(groups, dropout, sums, losses); });

  // Losses, and whether a rank was told to stop: every rank then takes the same decisions.
  control_.set_step(step);
  const GroupSum loss = sum_over_groups(control_, sharding_, losses, wants_to_stop);
  clock_.enter(Phase::kUpdate);
  const double scale = 1 / static_cast<double>(batch.all_targets);
  StepOutcome outcome{loss.sum, loss.sum * scale, optimizer_.scale_and_clip(scale), true, loss.flag};
  outcome.finite = std::isfinite(outcome.loss) && std::isfinite(outcome.gradient_norm);
  if (outcome.finite) optimizer_.step(factor);
  return outcome;
}

}  // namespace charrnn
