#include "train/validation.hpp"

#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "train/batch_state.hpp"

namespace charrnn {

namespace {

/// Adds up `loss_of` over all batches and ranks.
Evaluation sum_over(Batches& batches, Communicator& control,
                    const std::function<double(const Batch&)>& loss_of) {
  Batch batch;
  std::array<double, 1> loss{};
  std::int64_t characters = 0;
  // A rank with fewer columns is done sooner; it must not wait for longer than its deadline at the end.
  constexpr std::int64_t kBetweenMeetings = 8;
  for (std::int64_t i = 0; i < batches.per_epoch(); ++i) {
    if (i % kBetweenMeetings == 0) control.barrier();
    batches.load(0, i, batch);
    loss[0] += loss_of(batch);
    characters += batch.all_targets;
  }
  control.all_reduce_sum(loss);
  return {loss[0], characters};
}

}  // namespace

Evaluation evaluate(LanguageModel& model, Batches& batches, Communicator& control) {
  BatchState state(model, batches);
  return sum_over(batches, control,
                  [&](const Batch& batch) { return model.evaluate(window_of(batch), state.at(batch)); });
}

Evaluation evaluate_ensemble(std::span<LanguageModel* const> models, Batches& batches,
                             Communicator& control) {
  std::vector<BatchState> states;
  states.reserve(models.size());
  for (const LanguageModel* model : models) states.emplace_back(*model, batches);
  return sum_over(batches, control, [&](const Batch& batch) {
    std::vector<double> mean(batch.targets.size());
    std::vector<float> one(batch.targets.size());
    for (std::size_t m = 0; m < models.size(); ++m) {
      models[m]->log_probabilities(window_of(batch), states[m].at(batch), one);
      for (std::size_t i = 0; i < one.size(); ++i) {
        mean[i] += std::exp(static_cast<double>(one[i])) / static_cast<double>(models.size());
      }
    }
    double loss = 0;
    for (const double probability : mean) loss -= std::log(probability);
    return loss;
  });
}

}  // namespace charrnn
