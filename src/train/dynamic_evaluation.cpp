#include "train/dynamic_evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "dist/agreement.hpp"
#include "train/batch_state.hpp"
#include "train/flat_buffer.hpp"
#include "train/micro_batch_sum.hpp"

namespace charrnn {

namespace {

/// Of each parameter, with r = √mean_square and m the mean of all r: how far its gradient moves it, rate / (r + m), and
/// how far it goes back, decay · r / m, at most all the way. The m: a parameter whose gradient was nearly always zero must
/// not jump at its first one.
struct Factors {
  std::vector<float> rates, decays;
};

Factors factors_of(std::span<const float> mean_square, const DynamicOptions& options) {
  std::vector<double> roots(mean_square.size());
  std::ranges::transform(mean_square, roots.begin(), [](float square) { return std::sqrt(square); });
  const double mean = std::accumulate(roots.begin(), roots.end(), 0.0) / static_cast<double>(roots.size());
  Factors factors;
  for (const double root : roots) {
    factors.rates.push_back(static_cast<float>(options.rate / (root + mean)));
    factors.decays.push_back(static_cast<float>(std::min(1.0, options.decay * root / mean)));
  }
  return factors;
}

}  // namespace

Evaluation evaluate_dynamically(LanguageModel& model, std::span<const float> mean_square, const DynamicOptions& options,
                                Batches& batches, Communicator& control, GradientReducer& reducer, Activity& activity) {
  const FlatMath math(model.device());
  const auto size = model.layout().size();
  const FlatBuffer trained(model.device(), size), rates(model.device(), size), decays(model.device(), size);
  math.copy(trained.span(), model.parameters());
  const Factors factors = factors_of(mean_square, options);
  math.from_host(rates.span(), factors.rates);
  math.from_host(decays.span(), factors.decays);

  BatchState state(model, batches);
  Batch batch;
  std::vector<double> losses;
  Evaluation result;
  for (std::int64_t i = 0; i < batches.per_epoch(); ++i) {
    activity.on_work("evaluating", i, batches.per_epoch());
    stop_together(control, activity);
    batches.load(0, i, batch);
    losses.resize(batch.micro_batches.size());
    reducer.begin(i);
    model.train(micro_batches_of(batch, state),
                {.sums = reducer.sums(), .losses = losses, .listener = reducer.listener()});
    reducer.finish();
    control.set_step(i);
    result.loss_sum += sum_over_micro_batches(control, batches.sharding(), losses);
    result.characters += batch.all_targets;
    const std::span<float> parameters = model.writable_parameters();
    math.add_product(parameters, model.gradient(), rates.span(), -1 / static_cast<double>(batch.all_targets));
    if (options.decay == 0) continue;
    math.add_product(parameters, parameters, decays.span(), -1);
    math.add_product(parameters, trained.span(), decays.span(), 1);
  }
  return result;
}

}  // namespace charrnn
