#include "train/training_step.hpp"

#include <array>
#include <cmath>

#include "train/batch_state.hpp"

namespace charrnn {

StepOutcome TrainingStep::run(const Batch& batch, HiddenState& state, std::int64_t step, double factor,
                              bool wants_to_stop) {
  const DropoutKey dropout{static_cast<std::uint64_t>(seed_), step, batch.columns.first};
  const double local_loss = model_.train(window_of(batch), state, dropout);

  // Losses, and whether a rank was told to stop: every rank then takes the same decisions.
  std::array<double, 2> sums{local_loss, wants_to_stop ? 1.0 : 0.0};
  control_.set_step(step);
  control_.all_reduce_sum(sums);

  reducer_.reduce(model_.gradient(), step);
  const double scale = 1 / static_cast<double>(batch.all_targets);
  StepOutcome outcome{sums[0], sums[0] * scale, optimizer_.scale_and_clip(scale), true, sums[1] > 0};
  outcome.finite = std::isfinite(outcome.loss) && std::isfinite(outcome.gradient_norm);
  if (outcome.finite) optimizer_.step(factor);
  return outcome;
}

}  // namespace charrnn
