#include "train/training_step.hpp"

#include <cmath>
#include <vector>

#include "train/gradient_norm.hpp"
#include "train/micro_batch_sum.hpp"

namespace charrnn {

StepOutcome TrainingStep::run(const Batch& batch, BatchState& state, std::int64_t step, double factor,
                              bool wants_to_stop) {
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

  // Losses, and whether a rank was told to stop: every rank then takes the same decisions.
  parts_.control.set_step(step);
  const MicroBatchSum loss = sum_over_micro_batches(parts_.control, sharding_, losses, wants_to_stop);
  clock_.enter(Phase::kUpdate);
  const double scale = 1 / static_cast<double>(batch.all_targets);
  const double norm = gradient_norm(parts_.model, parts_.team) * scale;
  StepOutcome outcome{loss.sum, loss.sum * scale, norm, true, loss.flag};
  outcome.finite = std::isfinite(outcome.loss) && std::isfinite(norm);
  if (outcome.finite) parts_.optimizer.step(factor, scale * clip_factor(norm, parts_.clip_norm));
  return outcome;
}

}  // namespace charrnn
