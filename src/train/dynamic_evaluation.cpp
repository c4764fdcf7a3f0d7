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

/// Of each parameter: rate / (g + mean of all g), g = √mean_square. The mean: a parameter whose gradient was nearly
/// always zero must not jump at its first one.
std::vector<float> scale_of(std::span<const float> mean_square, double rate) {
  std::vector<float> scale(mean_square.size());
  std::ranges::transform(mean_square, scale.begin(), [](float square) { return std::sqrt(square); });
  const double mean = std::accumulate(scale.begin(), scale.end(), 0.0) / static_cast<double>(scale.size());
  for (float& g : scale) g = static_cast<float>(rate / (g + mean));
  return scale;
}

}  // namespace

Evaluation evaluate_dynamically(LanguageModel& model, std::span<const float> mean_square, const DynamicOptions& options,
                                Batches& batches, Communicator& control, GradientReducer& reducer, Activity& activity) {
  const FlatMath math(model.device());
  const FlatBuffer trained(model.device(), model.layout().size()), scale(model.device(), model.layout().size());
  math.copy(trained.span(), model.parameters());
  math.from_host(scale.span(), scale_of(mean_square, options.rate));

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
    math.add_product(parameters, model.gradient(), scale.span(), -1 / static_cast<double>(batch.all_targets));
    math.lerp(parameters, trained.span(), options.decay);
  }
  return result;
}

}  // namespace charrnn
