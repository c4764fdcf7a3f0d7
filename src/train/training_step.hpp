// One update of the parameters, on all ranks together.
#pragma once

#include <cstdint>

#include "base/phase_clock.hpp"
#include "base/thread_team.hpp"
#include "data/batches.hpp"
#include "models/language_model.hpp"
#include "train/batch_state.hpp"
#include "train/gradient_reducer.hpp"
#include "train/optimizer.hpp"
#include "train/step_agreement.hpp"

namespace charrnn {

/// What all ranks know alike after a step.
struct StepOutcome {
  double loss_sum = 0;       ///< of the batch, all ranks together, nats
  double loss = 0;           ///< its mean, nats per character
  double gradient_norm = 0;  ///< before clipping, nats per character
  bool finite = true;        ///< false: loss or gradient is not, and the parameters were left alone
  StepFlags flags;           ///< of any rank
};

/// What a training step works with; everything outlives it.
struct StepParts {
  LanguageModel& model;
  Optimizer& optimizer;
  GradientReducer& reducer;
  Communicator& control;  ///< for everything but gradients
  ThreadTeam& team;       ///< for the gradient's norm
  std::int64_t seed;      ///< of dropout
  double clip_norm = 0;   ///< limit of the gradient's norm; 0: none
};

class TrainingStep {
 public:
  TrainingStep(const StepParts& parts, const Sharding& sharding, PhaseClock& clock)
      : parts_(parts), sharding_(sharding), clock_(clock) {}

  /// Step number `step` with this rank's part of a batch: the gradient of the mean loss over all ranks' targets,
  /// clipped, then one update at `factor` times the groups' learning rates. Advances `state`. Collective.
  StepOutcome run(const Batch& batch, BatchState& state, std::int64_t step, double factor, const StepFlags& flags);

 private:
  StepParts parts_;
  Sharding sharding_;
  PhaseClock& clock_;
};

}  // namespace charrnn
