#include "train/training_step.hpp"

#include <cmath>
#include <vector>

#include "train/gradient_norm.hpp"

namespace charrnn {

StepOutcome TrainingStep::run(const Batch& batch, BatchState& state, std::int64_t step, double factor,
                              const StepFlags& flags) {
  const PhaseScope scope(&clock_, Phase::kReduce);
  std::vector<double> losses(batch.micro_batches.size());
  const std::vector<TrainMicroBatch> micro_batches = micro_batches_of(batch, state);
  const std::int64_t first_column = micro_batches.empty() ? 0 : batch.micro_batches.front().columns.first;
  parts_.reducer.begin(step);
  parts_.model.train(micro_batches, {.dropout = DropoutKey{static_cast<std::uint64_t>(parts_.seed), step, first_column},
                                     .sums = parts_.reducer.sums(),
                                     .losses = losses,
                                     .listener = parts_.reducer.listener(),
                                     .clock = &clock_});
  parts_.reducer.finish();

  clock_.enter(Phase::kUpdate);
  const double scale = 1 / static_cast<double>(batch.all_targets);
  const double mine = gradient_norm(parts_.model, parts_.team) * scale;
  clock_.enter(Phase::kReduce);
  parts_.control.set_step(step);
  const auto [loss_sum, norm, all_flags] = agree_on_step(parts_.control, sharding_, losses, mine, flags);
  clock_.enter(Phase::kUpdate);
  StepOutcome outcome{loss_sum, loss_sum * scale, norm, true, all_flags};
  outcome.finite = std::isfinite(outcome.loss) && std::isfinite(norm);
  if (outcome.finite) parts_.optimizer.step(factor, scale * clip_factor(norm, parts_.clip_norm));
  return outcome;
}

}  // namespace charrnn
