#include "train/gradient_reducer.hpp"

namespace charrnn {

GradientReducer::GradientReducer(LanguageModel& model, Communicator& communicator)
    : model_(model), communicator_(communicator), parts_(model.gradient_parts()) {}

void GradientReducer::sum(std::int64_t step, const std::function<void(std::span<const GradientSum>)>& train) {
  communicator_.set_step(step);
  if (communicator_.size() == 1) return train(sums());
  begun_ = 0;
  model_.tell_gradient(this);
  train(sums());
  model_.tell_gradient(nullptr);
  while (begun_ < parts_.size()) part_is_complete();  // it need not have told
  communicator_.finish_begun();
}

}  // namespace charrnn
