// Where a training run's time goes.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>
#include <utility>

namespace charrnn {

enum class Phase {
  kOther,
  // of a training step
  kData,      ///< the next batch's tokens
  kForward,   ///< up to the losses
  kBackward,  ///< gradients of this rank
  kIdle,      ///< a thread waits for the other threads of its rank
  kReduce,    ///< sums over the ranks, waiting for them included
  kUpdate,    ///< norm, clipping, optimizer
  // between steps
  kValidate,
  kSave,  ///< until a checkpoint is copied; it is written in the background
};
inline constexpr std::array<std::string_view, 9> kPhaseNames = {"other",  "data",   "forward",  "backward", "idle",
                                                                "reduce", "update", "validate", "save"};

/// Whether it is a part of training steps.
constexpr bool is_training(Phase phase) {
  return phase >= Phase::kData && phase <= Phase::kUpdate;
}

/// Seconds of each phase, by Phase.
using PhaseSeconds = std::array<double, kPhaseNames.size()>;

/// For one thread: the one that runs the training loop.
class PhaseClock {
 public:
  /// From now on the time is that of `phase`. Returns the phase before.
  Phase enter(Phase phase) {
    const Clock::time_point now = Clock::now();
    seconds_[static_cast<std::size_t>(phase_)] += std::chrono::duration<double>(now - since_).count();
    since_ = now;
    return std::exchange(phase_, phase);
  }
  /// Seconds that were booked for one phase, and as it turned out were another's; no more than there are.
  void move(Phase from, Phase to, double seconds) {
    double& there = seconds_[static_cast<std::size_t>(from)];
    const double moved = std::min(seconds, there);
    there -= moved;
    seconds_[static_cast<std::size_t>(to)] += moved;
  }
  /// Up to now.
  PhaseSeconds seconds() {
    enter(phase_);
    return seconds_;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Phase phase_ = Phase::kOther;
  Clock::time_point since_ = Clock::now();
  PhaseSeconds seconds_{};
};

/// A phase that ends with the scope, when the previous one resumes. Does nothing without a clock.
class PhaseScope {
 public:
  PhaseScope(PhaseClock* clock, Phase phase) : clock_(clock) {
    if (clock_ != nullptr) before_ = clock_->enter(phase);
  }
  ~PhaseScope() {
    if (clock_ != nullptr) clock_->enter(before_);
  }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;

 private:
  PhaseClock* clock_;
  Phase before_ = Phase::kOther;
};

}  // namespace charrnn
