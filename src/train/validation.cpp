#include "train/validation.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "dist/agreement.hpp"
#include "train/batch_state.hpp"
#include "train/micro_batch_sum.hpp"

namespace charrnn {

namespace {

/// Adds up `loss_of` over all batches, micro-batches and ranks.
Evaluation sum_over(Batches& batches, Communicator& control, Activity& activity, std::int64_t most,
                    const std::function<double(const Batch&, std::size_t)>& loss_of) {
  Batch batch;
  std::vector<double> losses(static_cast<std::size_t>(batches.sharding().mine.count));
  std::int64_t characters = 0;
  const std::int64_t all = batches.targets_per_epoch(), wanted = most > 0 ? std::min(most, all) : all;
  for (std::int64_t i = 0; characters < wanted; ++i) {
    activity.on_work("validating", characters, wanted);
    stop_together(control, activity);
    batches.load(0, i, batch);
    for (std::size_t number = 0; number < losses.size(); ++number) losses[number] += loss_of(batch, number);
    characters += batch.all_targets;
  }
  return {sum_over_micro_batches(control, batches.sharding(), losses), characters};
}

}  // namespace

Evaluation evaluate(LanguageModel& model, Batches& batches, Communicator& control, Activity& activity,
                    std::int64_t most) {
  BatchState state(model, batches);
  return sum_over(batches, control, activity, most, [&](const Batch& batch, std::size_t number) {
    return model.evaluate(window_of(batch, number), state.at(batch, number));
  });
}

Evaluation evaluate_ensemble(std::span<LanguageModel* const> models, Batches& batches, Communicator& control,
                             Activity& activity) {
  std::vector<BatchState> states;
  states.reserve(models.size());
  for (const LanguageModel* model : models) states.emplace_back(*model, batches);
  return sum_over(batches, control, activity, 0, [&](const Batch& batch, std::size_t number) {
    std::vector<double> mean(batch.micro_batches[number].targets.size());
    std::vector<float> one(mean.size());
    for (std::size_t m = 0; m < models.size(); ++m) {
      models[m]->log_probabilities(window_of(batch, number), states[m].at(batch, number), one);
      for (std::size_t i = 0; i < one.size(); ++i) {
        mean[i] += std::exp(static_cast<double>(one[i])) / static_cast<double>(models.size());
      }
    }
    double loss = 0;
    for (const double probability : mean) loss -= std::log(probability);
    return loss;
  });
}

std::int64_t Validator::characters() const {
  if (batches_ == nullptr) return 0;
  const std::int64_t all = batches_->targets_per_epoch();
  return characters_ > 0 ? std::min(characters_, all) : all;
}

Evaluation Validator::validate(Activity& activity) {
  const ScopedAverage averaged(average_);
  return evaluate(model_, *batches_, control_, activity, characters_);
}

Evaluation Validator::validate_all(Activity& activity) {
  const ScopedAverage averaged(average_);
  return validate_model(activity);
}

Evaluation Validator::validate_model(Activity& activity) {
  return evaluate(model_, *batches_, control_, activity);
}

}  // namespace charrnn
