// One update of the parameters, on all ranks together.
#pragma once

#include <cstdint>

#include "base/phase_clock.hpp"
#include "data/batches.hpp"
#include "models/language_model.hpp"
#include "train/batch_state.hpp"
#include "train/gradient_reducer.hpp"
#include "train/optimizer.hpp"

namespace charrnn {

/// What all ranks know alike after a step.
struct StepOutcome {
  double loss_sum = 0;  ///< of the batch, all ranks together, nats
  double loss = 0;      ///< its mean, nats per character
  double gradient_norm = 0;
  bool finite = true;  ///< false: loss or gradient is not, and the parameters were left alone
  bool stop = false;   ///< some rank wants to stop
};

class TrainingStep {
 public:
  /// Everything must outlive this.
  TrainingStep(LanguageModel& model, Optimizer& optimizer, const Sharding& sharding, Communicator& control,
               GradientReducer& reducer, std::int64_t seed, PhaseClock& clock)
      : model_(model),
        optimizer_(optimizer),
        sharding_(sharding),
        control_(control),
        reducer_(reducer),
        seed_(seed),
        clock_(clock) {
    model.time_phases(&clock);
  }
  ~TrainingStep() { model_.time_phases(nullptr); }
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  /// Step number `step` with this rank's part of a batch: the gradient of the mean loss over all ranks'
  /// targets, clipped, then one update at `factor` times the groups' learning rates. Moves `state` on.
  StepOutcome run(const Batch& batch, BatchState& state, std::int64_t step, double factor,
                  bool wants_to_stop);

 private:
  LanguageModel& model_;
  Optimizer& optimizer_;
  Sharding sharding_;
  Communicator& control_;
  GradientReducer& reducer_;
  std::int64_t seed_;
  PhaseClock& clock_;
};

}  // namespace charrnn
