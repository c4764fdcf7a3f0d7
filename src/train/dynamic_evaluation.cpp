#include "train/dynamic_evaluation.hpp"

#include <array>

#include "models/flat_tensor.hpp"
#include "train/batch_state.hpp"

namespace charrnn {

Evaluation evaluate_dynamically(LanguageModel& model, std::span<const float> mean_square,
                                const DynamicOptions& options, Batches& batches, Communicator& control,
                                GradientReducer& reducer) {
  at::Tensor parameters = wrap(model.parameters(), model.device());
  const at::Tensor gradient = wrap(model.gradient(), model.device());
  const at::Tensor trained = parameters.clone();
  at::Tensor scale = at::empty_like(parameters);
  from_host(scale, mean_square);
  scale.sqrt_();
  // The mean over all: an element whose gradient was nearly always zero must not jump at its first one.
  scale.add_(scale.mean()).reciprocal_().mul_(options.rate);

  BatchState state(model, batches);
  Batch batch;
  Evaluation result;
  for (std::int64_t i = 0; i < batches.per_epoch(); ++i) {
    batches.load(0, i, batch);
    std::array<double, 1> loss{model.train(window_of(batch), state.at(batch), std::nullopt)};
    control.set_step(i);
    control.all_reduce_sum(loss);
    result.loss_sum += loss[0];
    result.characters += batch.all_targets;
    reducer.reduce(model.gradient(), i);
    parameters.addcmul_(gradient, scale, -1 / static_cast<double>(batch.all_targets));
    parameters.lerp_(trained, options.decay);
  }
  return result;
}

}  // namespace charrnn
