#include "train/dynamic_evaluation.hpp"

#include <vector>

#include "dist/agreement.hpp"
#include "models/flat_tensor.hpp"
#include "train/batch_state.hpp"
#include "train/micro_batch_sum.hpp"

namespace charrnn {

Evaluation evaluate_dynamically(LanguageModel& model, std::span<const float> mean_square, const DynamicOptions& options,
                                Batches& batches, Communicator& control, GradientReducer& reducer, Activity& activity) {
  at::Tensor parameters = wrap(model.writable_parameters(), model.device());
  const at::Tensor gradient = wrap(model.gradient(), model.device());
  const at::Tensor trained = parameters.clone();
  at::Tensor scale = at::empty_like(parameters);
  from_host(scale, mean_square);
  scale.sqrt_();
  // The mean over all: an element whose gradient was nearly always zero must not jump at its first one.
  scale.add_(scale.mean()).reciprocal_().mul_(options.rate);

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
    model.writable_parameters();  // `parameters` is a view of them
    parameters.addcmul_(gradient, scale, -1 / static_cast<double>(batch.all_targets));
    parameters.lerp_(trained, options.decay);
  }
  return result;
}

}  // namespace charrnn
