#include "app/step_cost.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace charrnn {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Median time of the gradients' all-reduce, cut to `size` floats.
double time_all_reduce(Training& training, std::size_t size) {
  constexpr int kRepeats = 15;
  Communicator& communicator = training.gradients();
  std::vector<double> seconds;
  for (int i = 0; i < kRepeats; ++i) {
    communicator.barrier();
    const auto start = Clock::now();
    communicator.all_reduce_sum(training.model().gradient().first(size));
    seconds.push_back(seconds_since(start));
  }
  return median(std::move(seconds));
}

}  // namespace

StepCost time_steps(std::int64_t steps, Training& training, Job& job) {
  constexpr std::int64_t kWarmUp = 3;  // the first steps make micro-kernels and fetch memory
  PhaseClock clock;
  Batches& batches = training.batches();
  const std::unique_ptr<TrainingStep> step = make_training_step(training.step_parts(), batches.sharding(), clock);
  BatchState state(training.model(), batches);
  Batch batch;
  StepCost cost{std::string(training.engine().name)};
  std::vector<double> seconds;
  PhaseSeconds before{};
  std::int64_t begun = 0;
  const auto begin = [&] {
    {
      const PhaseScope scope(&clock, Phase::kData);
      load_batch_of_step(begun, batches, batch, state);
    }
    step->begin(batch, state, begun, 1, {.stop = job.signals.received()});
    if (begun++ < kWarmUp) return;
    cost.characters += static_cast<double>(batch.all_targets) / static_cast<double>(steps);
  };
  auto start = Clock::now();
  for (std::int64_t i = 0; i < kWarmUp + steps; ++i) {
    if (i == kWarmUp) before = clock.seconds();
    if (begun == i) begin();
    if (step->runs_ahead() && begun < kWarmUp + steps) begin();
    if (step->finish().flags.stop) throw Interrupted();
    const double taken = seconds_since(std::exchange(start, Clock::now()));
    if (i >= kWarmUp) seconds.push_back(taken);
  }
  const PhaseSeconds after = clock.seconds();
  for (std::size_t i = 0; i < after.size(); ++i) {
    cost.phases[i] = (after[i] - before[i]) / static_cast<double>(steps);
  }
  cost.seconds = median(std::move(seconds));
  return cost;
}

ColumnTime column_time(const StepCost& cost, Training& training) {
  const std::int64_t columns = training.batches().sharding().columns_of_rank(training.config().data.columns).count;
  return {std::max<std::int64_t>(1, columns),
          cost.of(Phase::kData) + cost.of(Phase::kForward) + cost.of(Phase::kBackward) + cost.of(Phase::kIdle)};
}

ReduceCost reduce_cost(Training& training) {
  constexpr std::size_t kNearlyNothing = 16;
  const std::span<float> gradient = training.model().gradient();
  return ReduceCost::from_measured(training.gradients().size(), time_all_reduce(training, kNearlyNothing),
                                   time_all_reduce(training, gradient.size()),
                                   static_cast<double>(gradient.size_bytes()));
}

}  // namespace charrnn
