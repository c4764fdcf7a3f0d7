#include "train/pace.hpp"

#include <algorithm>
#include <utility>

namespace charrnn {

void Pace::add_step(double seconds, double characters) {
  ++steps_;
  seconds_ += seconds;
  characters_ += characters;
}

void Pace::add_pause(double seconds) {
  ++pauses_;
  paused_ += seconds;
}

double Pace::take_rate() {
  rate_ = std::exchange(characters_, 0) / std::exchange(seconds_, 0);
  return rate_;
}

double Pace::rate() const {
  constexpr double kEnough = 5;  // seconds
  if (rate_ > 0 && seconds_ < kEnough) return rate_;
  return seconds_ > 0 ? characters_ / seconds_ : 0;
}

double Pace::seconds_of_pause() const {
  if (pauses_ > 0) return paused_ / static_cast<double>(pauses_);
  // Until one has been measured: a validation is about twice as fast as training.
  return rate() > 0 ? static_cast<double>(validated_) / (2 * rate()) : 0;
}

double Pace::seconds_left(std::int64_t step) const {
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double per_step = steps_ > 0 ? (elapsed - paused_) / static_cast<double>(steps_) : 0;
  return static_cast<double>(schedule_.last_step() - step) * per_step +
         static_cast<double>(pauses_after(step)) * seconds_of_pause();
}

std::int64_t Pace::pauses_after(std::int64_t step) const {
  const std::int64_t last = schedule_.last_step();
  const std::int64_t epochs = last / per_epoch_ - step / per_epoch_;
  std::int64_t pauses = epochs + (last % per_epoch_ != 0 ? 1 : 0);
  if (validate_every_ > 0) pauses += last / validate_every_ - step / validate_every_;
  // Of cycles that end within epochs, those beyond one an epoch.
  return pauses + std::max<std::int64_t>(0, schedule_.cycle(last) - schedule_.cycle(step) - epochs);
}

}  // namespace charrnn
