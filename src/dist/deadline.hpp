// A limit for waiting that tells a wait in vain from a process that did not run.
#pragma once

#include <algorithm>
#include <chrono>

namespace charrnn {

using Seconds = std::chrono::duration<double>;

/// Counts the time between the looks at it, but of each such piece no more than kMostOfOneLook or a quarter of the
/// limit. Whoever waits looks many times a second, so that a rank which others wait for in vain is found in time; where
/// there was no look for long, this process was suspended (SIGSTOP, SLURM's suspend, a paused virtual machine), the
/// others probably with it, and they get their time afterwards. On a machine so busy that a process does not run for
/// more than a second at a time the deadline comes later.
///
///     Deadline deadline(Seconds(60));
///     while (!is_done()) {
///       if (deadline.has_passed()) throw …;
///     }
class Deadline {
 public:
  explicit Deadline(Seconds limit) : limit_(limit), most_(std::min(kMostOfOneLook, limit / 4)) {}

  /// A look. True once `limit` has been counted.
  bool has_passed() {
    const auto now = Clock::now();
    waited_ += std::min<Seconds>(now - looked_, most_);
    looked_ = now;
    return waited_ >= limit_;
  }
  /// What was counted up to the last look.
  Seconds waited() const { return waited_; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Seconds kMostOfOneLook{1};

  Seconds limit_, most_, waited_{0};
  Clock::time_point looked_ = Clock::now();
};

}  // namespace charrnn
