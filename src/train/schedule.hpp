// The learning rate as a pure function of the step and, for plateau, of the validation losses before it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "config/run_config.hpp"

namespace charrnn {

/// A run is a row of cycles:
///   constant  one cycle
///   phases    one a phase
///   sgdr      one a phase that precedes it, then the cycles of cosine annealing with warm restarts (Loshchilov &
///             Hutter, "SGDR", ICLR 2017) as fast.ai's CosAnneal computes them: with i steps of the cycle's n done, the
///             rate is lr/2 · (1 + cos(π i / n)); the first n/20 steps of the first such cycle run at lr/100
///   onecycle  one: from lr/25 up to lr over three tenths of it and down to lr/250,000, both as half a cosine (Smith &
///             Topin, "Super-convergence", 2018, as torch.optim.lr_scheduler.OneCycleLR). After its end the rate stays
///   plateau   one: lr, times `plateau-factor` whenever more than `plateau-patience` validations in a row have not
///             lowered the loss by a ten-thousandth (torch.optim.lr_scheduler.ReduceLROnPlateau)
/// Over the first `warmup-steps` N steps the rate of step i (from 0) is times (i + 1) / N, and sgdr does without its
/// own lr/100.
///
/// Cycles may end within an epoch: their lengths are epochs, fractions of one, or steps. An end that is not at a whole
/// step is rounded, and the next cycle counts from the exact place, so that four quarters of an epoch are an epoch.
class Schedule {
 public:
  /// ConfigError for phases that cannot be read or do not fit `epochs`, and for lengths of less than a step.
  Schedule(const ScheduleConfig& schedule, const OptimizerConfig& optimizer, std::int64_t steps_per_epoch);

  std::int64_t total_steps() const { return total_steps_; }
  /// How many of them a run does: at most `max-steps` and `max-epochs`.
  std::int64_t last_step() const { return last_step_; }
  /// The option that sets it: epochs, max-steps or max-epochs.
  std::string_view limit() const { return limit_; }

  /// Learning rate of the step after `step` steps are done (0 ≤ step < total_steps()). Of the run's validations, in
  /// their order, only those at `step` or before count.
  double at(std::int64_t step, std::span<const ValidationRecord> validations) const;
  /// Number, from 0, of the cycle that this step belongs to; total_steps() belongs to the last.
  std::int64_t cycle(std::int64_t step) const;
  /// True if a whole cycle ends when `step` steps are done.
  bool ends_cycle(std::int64_t step) const;

  /// What to tell of a run whose last step lies in the middle of a cosine: at which rate, and what lengths would not.
  /// Nothing if it does not.
  std::optional<std::string> cut_off() const;

 private:
  enum class Shape { kConstant, kCosine, kOneCycle, kPlateau };
  struct Cycle {
    std::int64_t first, steps;  ///< the last cycle of a run may be cut off before `steps`
    double learning_rate;
    Shape shape;
    bool low_start;
  };

  const Cycle& cycle_at(std::int64_t step) const { return cycles_[static_cast<std::size_t>(cycle(step))]; }
  double rate_in(const Cycle& cycle, std::int64_t step, std::span<const ValidationRecord> validations) const;

  ScheduleConfig config_;
  std::int64_t steps_per_epoch_;
  std::int64_t total_steps_ = 0, last_step_ = 0;
  std::string_view limit_ = "epochs";
  std::vector<Cycle> cycles_;
};

/// What can be said without a text, which tells how long an epoch is: ConfigError for phases that cannot be read, and for
/// options that do not go with the schedule.
void check_schedule(const ScheduleConfig& schedule);

/// A number of steps as epochs, in the fewest digits that give it back: "3", "0.519".
std::string epochs_text(std::int64_t steps, std::int64_t steps_per_epoch);
/// The same as the option `limit` counts it: "20,000" with max-steps, else epochs.
std::string length_text(std::int64_t steps, std::int64_t steps_per_epoch, std::string_view limit);

}  // namespace charrnn
