#include "train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace charrnn {

namespace {

constexpr std::int64_t kDefaultEpochs = 4;
constexpr std::int64_t kMostEpochs = 1'000'000;  // so that steps and cycles can be counted

struct LearningRatePhase {
  double learning_rate;
  std::int64_t epochs;
};

LearningRatePhase parse_phase(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto rate = number_in<double>(text.substr(0, colon)).value_or(0);
  const auto epochs = number_in<std::int64_t>(text.substr(std::min(colon + 1, text.size()))).value_or(0);
  require_option(std::isfinite(rate) && rate > 0 && epochs > 0, "phases",
                 "`phases`: '{}' is not LEARNING_RATE:EPOCHS, such as 1e-3:4", text);
  return {rate, epochs};
}

}  // namespace

Schedule::Schedule(const ScheduleConfig& schedule, const OptimizerConfig& optimizer, std::int64_t steps_per_epoch)
    : epochs_(optimizer.epochs), steps_per_epoch_(steps_per_epoch) {
  const bool phases = schedule.schedule == "phases";
  const bool sgdr = schedule.schedule == "sgdr";
  require_option(phases || sgdr || schedule.phases.empty(), "phases",
                 "`phases` goes with `schedule` phases or sgdr, not with '{}'", schedule.schedule);
  require_option(!phases || !schedule.phases.empty(), "phases",
                 "`schedule` phases needs `phases`, such as 1e-3:4,1e-4:4");
  std::int64_t planned = 0;  // epochs that have a cycle
  const auto add = [&](std::int64_t epochs, double learning_rate, bool cosine, bool warm_up) {
    cycles_.push_back({planned * steps_per_epoch, epochs * steps_per_epoch, learning_rate, cosine, warm_up});
    planned += epochs;
  };
  for (const std::string& text : schedule.phases) {
    const LearningRatePhase phase = parse_phase(text);
    require_option(phase.epochs <= kMostEpochs, "phases", "`phases`: more than {} epochs are too many", kMostEpochs);
    add(phase.epochs, phase.learning_rate, false, false);
  }
  require_option(std::max({epochs_, planned, schedule.cycle_epochs}) <= kMostEpochs, "epochs",
                 "more than {} epochs are too many", kMostEpochs);
  if (epochs_ == 0) epochs_ = phases ? planned : planned + kDefaultEpochs;
  require_option(!phases || epochs_ == planned, "epochs", "`epochs` {} is not what `phases` add up to: {}", epochs_,
                 planned);
  require_option(epochs_ >= planned, "epochs", "`epochs` {} is less than `phases` add up to: {}", epochs_, planned);
  if (sgdr) {
    for (std::int64_t epochs = schedule.cycle_epochs, i = 0; planned < epochs_; ++i) {
      add(epochs, optimizer.learning_rate, true, i == 0);
      epochs = epochs > kMostEpochs / schedule.cycle_mult ? kMostEpochs : epochs * schedule.cycle_mult;
    }
  } else if (!phases) {
    add(epochs_, optimizer.learning_rate, false, false);
  }
  last_step_ = optimizer.max_steps > 0 ? std::min(optimizer.max_steps, total_steps()) : total_steps();
}

double Schedule::at(std::int64_t step) const {
  const Cycle& cycle_now = cycles_[static_cast<std::size_t>(cycle(step))];
  if (!cycle_now.cosine) return cycle_now.learning_rate;
  const std::int64_t done = step - cycle_now.first;
  if (cycle_now.warm_up && done * 20 < cycle_now.steps) return cycle_now.learning_rate / 100;
  const double angle = std::numbers::pi * static_cast<double>(done) / static_cast<double>(cycle_now.steps);
  return cycle_now.learning_rate / 2 * (1 + std::cos(angle));
}

std::int64_t Schedule::cycle(std::int64_t step) const {
  const auto after = std::upper_bound(cycles_.begin(), cycles_.end(), step,
                                      [](std::int64_t at, const Cycle& candidate) { return at < candidate.first; });
  return after - cycles_.begin() - 1;
}

bool Schedule::ends_cycle(std::int64_t step) const {
  return std::any_of(cycles_.begin(), cycles_.end(),
                     [&](const Cycle& candidate) { return candidate.first + candidate.steps == step; });
}

}  // namespace charrnn
