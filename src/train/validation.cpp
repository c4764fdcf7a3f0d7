#include "train/validation.hpp"

#include <cmath>
#include <functional>
#include <vector>

#include "train/batch_state.hpp"
#include "train/micro_batch_sum.hpp"

namespace charrnn {

namespace {

/// Adds up `loss_of` over all batches, micro-batches and ranks.
Evaluation sum_over(Batches& batches, Communicator& control,
                    const std::function<double(const Batch&, std::size_t)>& loss_of) {
  Batch batch;
  std::vector<double> losses(static_cast<std::size_t>(batches.sharding().mine.count));
  std::int64_t characters = 0;
  // A rank with fewer columns is done sooner; it must not wait for longer than its deadline at the end.
  constexpr std::int64_t kBetweenMeetings = 8;
  for (std::int64_t i = 0; i < batches.per_epoch(); ++i) {
    if (i % kBetweenMeetings == 0) control.barrier();
    batches.load(0, i, batch);
    for (std::size_t number = 0; number < losses.size(); ++number) losses[number] += loss_of(batch, number);
    characters += batch.all_targets;
  }
  return {sum_over_micro_batches(control, batches.sharding(), losses).sum, characters};
}

}  // namespace

Evaluation evaluate(LanguageModel& model, Batches& batches, Communicator& control) {
  BatchState state(model, batches);
  return sum_over(batches, control, [&](const Batch& batch, std::size_t number) {
    return model.evaluate(window_of(batch, number), state.at(batch, number));
  });
}

Evaluation evaluate_ensemble(std::span<LanguageModel* const> models, Batches& batches, Communicator& control) {
  std::vector<BatchState> states;
  states.reserve(models.size());
  for (const LanguageModel* model : models) states.emplace_back(*model, batches);
  return sum_over(batches, control, [&](const Batch& batch, std::size_t number) {
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

std::optional<double> Validator::validate() {
  if (batches_ == nullptr) return std::nullopt;
  const ScopedAverage averaged(average_);
  return evaluate(model_, *batches_, control_).loss();
}

}  // namespace charrnn
