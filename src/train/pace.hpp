// How fast a run trains, and how long it will still take.
#pragma once

#include <chrono>
#include <cstdint>

#include "train/schedule.hpp"

namespace charrnn {

/// Steps take their mean time, and so do the pauses between them (validations, samples). Whatever else was between the
/// steps counts with them.
class Pace {
 public:
  /// `validated` characters are read by a validation, of which there is one after every `validate_every` steps (0: none),
  /// every epoch and every cycle.
  Pace(const Schedule& schedule, std::int64_t steps_per_epoch, std::int64_t validate_every, std::int64_t validated)
      : schedule_(schedule), per_epoch_(steps_per_epoch), validate_every_(validate_every), validated_(validated) {}

  void add_step(double seconds, double characters);
  void add_pause(double seconds);
  /// Characters per second since the last call. Then that is the rate.
  double take_rate();
  /// Since the last call of take_rate(), if that was some seconds ago; else the last one taken.
  double rate() const;
  double seconds_of_pause() const;
  /// Of a run that has done so many steps.
  double seconds_left(std::int64_t step) const;

 private:
  using Clock = std::chrono::steady_clock;

  std::int64_t pauses_after(std::int64_t step) const;

  const Schedule& schedule_;
  std::int64_t per_epoch_, validate_every_, validated_;
  Clock::time_point start_ = Clock::now();
  std::int64_t steps_ = 0, pauses_ = 0;
  double paused_ = 0;
  double seconds_ = 0, characters_ = 0;  ///< since the last rate was taken
  double rate_ = 0;
};

}  // namespace charrnn
