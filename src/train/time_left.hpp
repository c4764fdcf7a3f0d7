// How long a run will still take, from what it took so far.
#pragma once

#include <chrono>
#include <cstdint>

namespace charrnn {

/// Steps take their mean time, and so do the pauses between them (validations, samples).
class TimeLeft {
 public:
  void add_step() { ++steps_; }
  void add_pause(double seconds) {
    pauses_ += seconds;
    ++pause_count_;
  }
  /// Of a pause; `guess` before the first one.
  double seconds_of_pause(double guess) const {
    return pause_count_ > 0 ? pauses_ / static_cast<double>(pause_count_) : guess;
  }
  /// For so many more steps and pauses. Whatever else was between the steps counts with them.
  double seconds(std::int64_t steps, std::int64_t pauses, double guess) const {
    const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
    const double per_step = steps_ > 0 ? (elapsed - pauses_) / static_cast<double>(steps_) : 0;
    return static_cast<double>(steps) * per_step + static_cast<double>(pauses) * seconds_of_pause(guess);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
  std::int64_t steps_ = 0, pause_count_ = 0;
  double pauses_ = 0;
};

}  // namespace charrnn
