#include "train/gradient_reducer.hpp"

namespace charrnn {

GradientReducer::GradientReducer(LanguageModel& model, Communicator& communicator)
    : communicator_(communicator), parts_(model.gradient_parts()) {}

void GradientReducer::begin(std::int64_t step) {
  communicator_.set_step(step);
  begun_ = 0;
}

void GradientReducer::finish() {
  if (communicator_.size() == 1) return;
  while (begun_ < parts_.size()) part_is_complete();  // the model may not report parts one by one
  communicator_.finish_begun();
}

}  // namespace charrnn
