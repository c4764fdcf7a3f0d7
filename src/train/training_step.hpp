// One update of the parameters, on all ranks together.
#pragma once

#include <cstdint>
#include <memory>

#include "base/phase_clock.hpp"
#include "base/thread_team.hpp"
#include "data/batches.hpp"
#include "models/language_model.hpp"
#include "train/batch_state.hpp"
#include "train/gradient_reducer.hpp"
#include "train/noise_scale.hpp"
#include "train/optimizer.hpp"
#include "train/step_agreement.hpp"

namespace charrnn {

class StepDevice;

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
  Communicator& control;         ///< for everything but gradients
  ThreadTeam& team;              ///< for the gradient's norm
  std::int64_t seed;             ///< of dropout
  double clip_norm = 0;          ///< limit of the gradient's norm; 0: none
  StepDevice* device = nullptr;  ///< has the queue that the model works through; null: it has none
  NoiseScale* noise = nullptr;   ///< gets every step's gradients; may be null
};

/// The gradient of the mean loss over all ranks' targets, clipped, then one update. Collective.
class TrainingStep {
 public:
  virtual ~TrainingStep() = default;
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  /// Step number `step` with this rank's part of a batch, at `factor` times the groups' learning rates. Advances
  /// `state`; when the loss or the gradient is not finite, it becomes zero instead. Needs `batch` no longer afterwards.
  virtual void begin(const Batch& batch, BatchState& state, std::int64_t step, double factor,
                     const StepFlags& flags) = 0;
  /// What came of the oldest step that has begun: once for each.
  virtual StepOutcome finish() = 0;
  /// Whether the device computes while the caller goes on: then one more step may begin before finish(), so that the
  /// device never waits. Else begin() does it all.
  virtual bool runs_ahead() const = 0;

  StepOutcome run(const Batch& batch, BatchState& state, std::int64_t step, double factor, const StepFlags& flags) {
    begin(batch, state, step, factor, flags);
    return finish();
  }

 protected:
  TrainingStep() = default;
};

/// For the parts' device.
std::unique_ptr<TrainingStep> make_training_step(const StepParts& parts, const Sharding& sharding, PhaseClock& clock);

/// On the CPU, which waits for each part of a step.
std::unique_ptr<TrainingStep> make_host_step(const StepParts& parts, const Sharding& sharding, PhaseClock& clock);

}  // namespace charrnn
