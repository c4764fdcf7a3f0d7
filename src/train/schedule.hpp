// The learning rate as a pure function of the step.
#pragma once

#include <cstdint>
#include <vector>

#include "config/run_config.hpp"

namespace charrnn {

/// A run is a row of cycles. constant: one cycle; phases: one a phase; sgdr: one a phase that precedes it,
/// then the cycles of cosine annealing with warm restarts (Loshchilov & Hutter, "SGDR", ICLR 2017) as
/// fast.ai's CosAnneal computes them: with i steps of the cycle's n done, the rate is lr/2 · (1 + cos(π i /
/// n)); the first n/20 steps of the first such cycle run at lr/100.
class Schedule {
 public:
  /// ConfigError for phases that cannot be read or do not fit `epochs`.
  Schedule(const ScheduleConfig& schedule, const OptimizerConfig& optimizer, std::int64_t steps_per_epoch);

  std::int64_t epochs() const { return epochs_; }
  std::int64_t total_steps() const { return epochs_ * steps_per_epoch_; }
  /// How many of them a run does: at most `max-steps`.
  std::int64_t last_step() const { return last_step_; }

  /// Learning rate of the step after `step` steps are done (0 ≤ step < total_steps()).
  double at(std::int64_t step) const;
  /// Number, from 0, of the cycle that this step belongs to; total_steps() belongs to the last.
  std::int64_t cycle(std::int64_t step) const;
  /// True if a whole cycle ends when `step` steps are done.
  bool ends_cycle(std::int64_t step) const;

 private:
  struct Cycle {
    std::int64_t first, steps;  ///< the last cycle of a run may be cut off before `steps`
    double learning_rate;
    bool cosine, warm_up;
  };

  std::int64_t epochs_ = 0;
  std::int64_t steps_per_epoch_;
  std::int64_t last_step_ = 0;
  std::vector<Cycle> cycles_;
};

}  // namespace charrnn
