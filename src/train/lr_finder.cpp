#include "train/lr_finder.hpp"

#include <cmath>

#include "base/running_mean.hpp"
#include "train/batch_state.hpp"

namespace charrnn {

LrFinding find_learning_rate(const LrSweep& sweep, double base_rate, LanguageModel& model, Batches& batches,
                             TrainingStep& step, const std::function<bool()>& wants_stop,
                             const std::function<void(const LrPoint&)>& progress) {
  constexpr double kTooMuch = 4, kBelowMinimum = 10;
  LrFinding finding;
  BatchState state(model, batches);
  Batch batch;
  RunningMean smoothed;
  double lowest = 0, lowest_rate = 0;
  for (std::int64_t i = 0; i < sweep.steps; ++i) {
    const double part = sweep.steps > 1 ? static_cast<double>(i) / static_cast<double>(sweep.steps - 1) : 0;
    const double rate = sweep.start * std::pow(sweep.end / sweep.start, part);
    load_batch_of_step(i, batches, batch, state);
    const StepOutcome outcome = step.run(batch, state, i, rate / base_rate, {.stop = wants_stop()});
    if (!outcome.finite) {
      finding.diverged = true;
      break;
    }
    smoothed.add(outcome.loss);
    finding.points.push_back({rate, outcome.loss, smoothed.mean()});
    progress(finding.points.back());
    if (i == 0 || smoothed.mean() < lowest) {
      lowest = smoothed.mean();
      lowest_rate = rate;
    }
    finding.diverged = smoothed.mean() > kTooMuch * lowest;
    finding.stopped = outcome.flags.stop;
    if (finding.diverged || finding.stopped) break;
  }
  if (finding.points.size() > 1) finding.suggestion = lowest_rate / kBelowMinimum;
  return finding;
}

}  // namespace charrnn
