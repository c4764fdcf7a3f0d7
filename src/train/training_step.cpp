#include "train/training_step.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "train/gradient_norm.hpp"
#include "train/micro_batch_sum.hpp"

namespace charrnn {

StepOutcome TrainingStep::run(const Batch& batch, BatchState& state, std::int64_t step, double factor,
                              StepFlags flags) {
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

  // Losses and flags: every rank then takes the same decisions.
  parts_.control.set_step(step);
  const std::array members{&StepFlags::stop, &StepFlags::save, &StepFlags::saved};
  std::array<double, members.size()> counts{};
  std::ranges::transform(members, counts.begin(), [&](auto member) { return flags.*member ? 1.0 : 0.0; });
  const double loss_sum = sum_over_micro_batches(parts_.control, sharding_, losses, counts);
  for (std::size_t i = 0; i < members.size(); ++i) flags.*members[i] = counts[i] > 0;
  clock_.enter(Phase::kUpdate);
  const double scale = 1 / static_cast<double>(batch.all_targets);
  const double norm = gradient_norm(parts_.model, parts_.team) * scale;
  StepOutcome outcome{loss_sum, loss_sum * scale, norm, true, flags};
  outcome.finite = std::isfinite(outcome.loss) && std::isfinite(norm);
  if (outcome.finite) parts_.optimizer.step(factor, scale * clip_factor(norm, parts_.clip_norm));
  return outcome;
}

}  // namespace charrnn
