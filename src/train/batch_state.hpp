// The hidden state beside a stretch of batches.
#pragma once

#include <memory>

#include "data/batches.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// Carries the state from batch to batch where the data are cut up so, and gives zeros elsewhere.
class BatchState {
 public:
  /// A state of zeros. Both must outlive this.
  BatchState(const LanguageModel& model, const Batches& batches)
      : model_(model), carry_(batches.carry_state()), state_(model.make_state(batches.columns().count)) {}

  /// The state that `batch` starts from; the model moves it on.
  HiddenState& at(const Batch& batch) {
    if (!carry_) state_ = model_.make_state(batch.columns.count);
    return *state_;
  }
  HiddenState& carried() { return *state_; }
  bool is_carried() const { return carry_; }
  void zero() { state_->zero(); }

 private:
  const LanguageModel& model_;
  bool carry_;
  std::unique_ptr<HiddenState> state_;
};

/// A batch as the model takes it.
inline Window window_of(const Batch& batch) {
  return {batch.inputs, batch.targets, batch.length, batch.columns.count};
}

}  // namespace charrnn
