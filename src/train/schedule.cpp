#include "train/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace charrnn {

namespace {

constexpr double kDefaultEpochs = 4;
constexpr std::string_view kMaxSteps = "max-steps";
constexpr std::int64_t kMostEpochs = 1'000'000, kMostCycles = 1'000'000;  // so that steps and cycles can be counted

/// Half a cosine from the one to the other, `done` of `steps` steps on.
double cosine(double from, double to, double done, double steps) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * done / steps));
}

double one_cycle(double peak, double done, double steps) {
  constexpr double kRise = 0.3, kStart = 25, kEnd = kStart * 1e4;
  const double top = kRise * steps - 1, last = steps - 1;
  if (done <= top) return cosine(peak / kStart, peak, done, top);
  return cosine(peak, peak / kEnd, std::min(done, last) - top, last - top);
}

double plateau(double rate, const ScheduleConfig& config, std::int64_t step,
               std::span<const ValidationRecord> validations) {
  constexpr double kLower = 1 - 1e-4;
  double best = std::numeric_limits<double>::infinity();
  std::int64_t in_vain = 0;
  for (const ValidationRecord& validation : validations) {
    if (validation.step > step) break;
    if (validation.loss < best * kLower) {
      best = validation.loss;
      in_vain = 0;
    } else if (++in_vain > config.plateau_patience) {
      rate *= config.plateau_factor;
      in_vain = 0;
    }
  }
  return rate;
}

/// The length of `epochs`, which the option `key` gives, in steps: not rounded, but one at least.
double steps_of(double epochs, std::int64_t steps_per_epoch, const char* key) {
  const double steps = epochs * static_cast<double>(steps_per_epoch);
  require_option(epochs <= kMostEpochs, key, "`{}`: more than {} epochs are too many", key, kMostEpochs);
  require_option(steps >= 1, key, "`{}`: {} epochs are less than a step, of which an epoch has {}", key, epochs,
                 steps_per_epoch);
  return steps;
}

struct LearningRatePhase {
  double learning_rate, length;
  bool in_steps;  ///< else in epochs
};

LearningRatePhase parse_phase(std::string_view text) {
  constexpr std::string_view kSteps = "steps";
  const std::size_t colon = std::min(text.find(':'), text.size());
  const double rate = number_in<double>(text.substr(0, colon)).value_or(0);
  std::string_view length = text.substr(std::min(colon + 1, text.size()));
  const bool in_steps = length.ends_with(kSteps);
  if (in_steps) length.remove_suffix(kSteps.size());
  const double number = in_steps ? static_cast<double>(number_in<std::int64_t>(length).value_or(0))
                                 : number_in<double>(length).value_or(0);
  require_option(std::isfinite(rate) && rate > 0 && std::isfinite(number) && number > 0, "phases",
                 "`phases`: '{}' is not LEARNING_RATE:EPOCHS or LEARNING_RATE:Nsteps, such as 1e-3:4 or 1e-3:500steps",
                 text);
  return {rate, number, in_steps};
}

}  // namespace

std::string epochs_text(std::int64_t steps, std::int64_t steps_per_epoch) {
  const double epochs = static_cast<double>(steps) / static_cast<double>(steps_per_epoch);
  std::string text;
  for (int digits = 1; digits <= std::numeric_limits<double>::max_digits10; ++digits) {
    text = fmt::format("{:.{}f}", epochs, digits - 1);
    if (std::llround(std::stod(text) * static_cast<double>(steps_per_epoch)) == steps) break;
  }
  return text;
}

std::string length_text(std::int64_t steps, std::int64_t steps_per_epoch, std::string_view limit) {
  return limit == kMaxSteps ? with_commas(steps) : epochs_text(steps, steps_per_epoch);
}

void check_schedule(const ScheduleConfig& schedule) {
  const std::string& kind = schedule.schedule;
  const bool phases = kind == "phases", sgdr = kind == "sgdr", onecycle = kind == "onecycle";
  require_option(phases || sgdr || schedule.phases.empty(), "phases",
                 "`phases` goes with `schedule` phases or sgdr, not with '{}'", kind);
  require_option(!phases || !schedule.phases.empty(), "phases",
                 "`schedule` phases needs `phases`, such as 1e-3:4,1e-4:4");
  require_option(sgdr || onecycle || schedule.cycle_steps == 0, "cycle-steps",
                 "`cycle-steps` goes with `schedule` sgdr or onecycle, not with '{}'", kind);
  for (const std::string& text : schedule.phases) parse_phase(text);
}

Schedule::Schedule(const ScheduleConfig& schedule, const OptimizerConfig& optimizer, std::int64_t steps_per_epoch)
    : config_(schedule), steps_per_epoch_(steps_per_epoch) {
  check_schedule(schedule);
  const std::string& kind = schedule.schedule;
  const bool phases = kind == "phases", sgdr = kind == "sgdr", onecycle = kind == "onecycle";

  const char* const lengths = phases ? "phases" : schedule.cycle_steps > 0 ? "cycle-steps" : "cycle-epochs";
  double exact = 0;          // where the last cycle ends, before rounding
  std::int64_t planned = 0;  // the same, rounded
  const auto add = [&](double steps, double learning_rate, Shape shape, bool low_start) {
    require_option(std::ssize(cycles_) < kMostCycles, lengths, "`{}`: more than {} cycles are too many", lengths,
                   kMostCycles);
    exact += steps;
    const std::int64_t end = std::llround(exact);
    cycles_.push_back({planned, end - planned, learning_rate, shape, low_start});
    planned = end;
  };
  const double most = steps_of(kMostEpochs, steps_per_epoch, "epochs");
  for (const std::string& text : schedule.phases) {
    const LearningRatePhase phase = parse_phase(text);
    const double steps = phase.in_steps ? phase.length : steps_of(phase.length, steps_per_epoch, "phases");
    require_option(exact + steps <= most, "phases", "`phases`: more than {} epochs are too many", kMostEpochs);
    add(steps, phase.learning_rate, Shape::kConstant, false);
  }

  const double cycle_steps = static_cast<double>(schedule.cycle_steps);
  if (optimizer.epochs > 0) {
    total_steps_ = std::llround(steps_of(optimizer.epochs, steps_per_epoch, "epochs"));
  } else if (phases) {
    total_steps_ = planned;
  } else if (onecycle && schedule.cycle_steps > 0) {
    total_steps_ = schedule.cycle_steps;
  } else {
    total_steps_ = std::llround(exact + kDefaultEpochs * static_cast<double>(steps_per_epoch));
  }
  const auto check_epochs = [&](bool fits, const char* how) {
    require_option(fits, "epochs", "`epochs` {} is {} `phases` add up to: {}",
                   epochs_text(total_steps_, steps_per_epoch), how, epochs_text(planned, steps_per_epoch));
  };
  check_epochs(!phases || total_steps_ == planned, "not what");
  check_epochs(total_steps_ >= planned, "less than");

  require_option(cycle_steps <= most, "cycle-steps", "`cycle-steps`: more than {} epochs are too many", kMostEpochs);
  if (sgdr) {
    double steps = cycle_steps > 0 ? cycle_steps : steps_of(schedule.cycle_epochs, steps_per_epoch, "cycle-epochs");
    for (bool first = true; planned < total_steps_; first = false) {
      add(steps, optimizer.learning_rate, Shape::kCosine, first && schedule.warmup_steps == 0);
      steps = std::min(steps * static_cast<double>(schedule.cycle_mult), most);
    }
  } else if (!phases) {
    const bool is_shorter = onecycle && cycle_steps > 0;
    add(is_shorter ? cycle_steps : static_cast<double>(total_steps_), optimizer.learning_rate,
        onecycle            ? Shape::kOneCycle
        : kind == "plateau" ? Shape::kPlateau
                            : Shape::kConstant,
        false);
  }
  last_step_ = total_steps_;
  const auto stop_after = [&](std::int64_t steps, std::string_view limit) {
    if (steps >= last_step_) return;
    last_step_ = steps;
    limit_ = limit;
  };
  if (optimizer.max_steps > 0) stop_after(optimizer.max_steps, kMaxSteps);
  if (optimizer.max_epochs > 0) {
    stop_after(std::llround(steps_of(optimizer.max_epochs, steps_per_epoch, "max-epochs")), "max-epochs");
  }
}

double Schedule::at(std::int64_t step, std::span<const ValidationRecord> validations) const {
  const double rate = rate_in(cycle_at(step), step, validations);
  if (step + 1 >= config_.warmup_steps) return rate;
  return rate * static_cast<double>(step + 1) / static_cast<double>(config_.warmup_steps);
}

double Schedule::rate_in(const Cycle& cycle, std::int64_t step, std::span<const ValidationRecord> validations) const {
  const std::int64_t done = step - cycle.first;
  const double peak = cycle.learning_rate;
  switch (cycle.shape) {
    case Shape::kConstant:
      break;
    case Shape::kCosine:
      if (cycle.low_start && done * 20 < cycle.steps) return peak / 100;
      return cosine(peak, 0, static_cast<double>(done), static_cast<double>(cycle.steps));
    case Shape::kOneCycle:
      return one_cycle(peak, static_cast<double>(done), static_cast<double>(cycle.steps));
    case Shape::kPlateau:
      return plateau(peak, config_, step, validations);
  }
  return peak;
}

std::int64_t Schedule::cycle(std::int64_t step) const {
  const auto after = std::upper_bound(cycles_.begin(), cycles_.end(), step,
                                      [](std::int64_t at, const Cycle& candidate) { return at < candidate.first; });
  return after - cycles_.begin() - 1;
}

bool Schedule::ends_cycle(std::int64_t step) const {
  if (step == 0) return false;
  const Cycle& last = cycle_at(step - 1);
  return last.first + last.steps == step;
}

std::optional<std::string> Schedule::cut_off() const {
  const Cycle& last = cycle_at(last_step_ - 1);
  const std::int64_t end = last.first + last.steps;
  if ((last.shape != Shape::kCosine && last.shape != Shape::kOneCycle) || end <= last_step_) return std::nullopt;
  const auto length = [&](std::int64_t steps) { return length_text(steps, steps_per_epoch_, limit_); };
  return fmt::format("`{}` {} ends in the middle of a cycle, at a rate of {:.2g}; {}{} {} end one", limit_,
                     length(last_step_), at(last_step_ - 1, {}), last.first > 0 ? length(last.first) + " or " : "",
                     length(end), limit_ == kMaxSteps ? "steps" : "epochs");
}

}  // namespace charrnn
