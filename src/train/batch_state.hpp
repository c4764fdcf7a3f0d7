// The hidden state beside a stretch of batches.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "data/batches.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// Hidden states of this rank's micro-batches, in order.
using MicroBatchStates = std::vector<std::unique_ptr<HiddenState>>;

/// Carries the states from batch to batch where the data are cut up so, and gives zeros elsewhere.
class BatchState {
 public:
  /// States of zeros. Both must outlive this.
  BatchState(const LanguageModel& model, const Batches& batches) : model_(model), carry_(batches.carry_state()) {
    const Sharding& sharding = batches.sharding();
    for (std::int64_t number = sharding.mine.first; number < sharding.mine.end(); ++number) {
      states_.push_back(model.make_state(sharding.columns_of_micro_batch(batches.columns(), number).count));
    }
  }

  /// The state that micro-batch number i of `batch` starts from; the model advances it.
  HiddenState& at(const Batch& batch, std::size_t i) {
    if (carry_) return *states_[i];
    const std::int64_t columns = batch.micro_batches[i].columns.count;  // fewer in an epoch's last batch
    std::unique_ptr<HiddenState>& state = zeros_[{i, columns}];
    if (state == nullptr) {
      state = model_.make_state(columns);
    } else {
      state->zero();
    }
    return *state;
  }
  const MicroBatchStates& carried() const { return states_; }
  bool is_carried() const { return carry_; }
  void zero() {
    for (const auto& state : states_) state->zero();
  }

 private:
  const LanguageModel& model_;
  bool carry_;
  MicroBatchStates states_;
  /// Where nothing is carried, by micro-batch and columns: a GPU's steps are recorded for a state's memory.
  std::map<std::pair<std::size_t, std::int64_t>, std::unique_ptr<HiddenState>> zeros_;
};

/// Loads the batch of step number `step`, epoch after epoch. Every epoch starts from a hidden state of zero.
inline void load_batch_of_step(std::int64_t step, Batches& batches, Batch& batch, BatchState& state) {
  const std::int64_t index = step % batches.per_epoch();
  if (index == 0) state.zero();
  batches.load(step / batches.per_epoch(), index, batch);
}

/// Micro-batch number i of a batch as the model takes it.
inline Window window_of(const Batch& batch, std::size_t i) {
  const MicroBatch& micro_batch = batch.micro_batches[i];
  return {micro_batch.inputs, micro_batch.targets, batch.length, micro_batch.columns.count};
}

/// Of this rank's part of a batch.
inline DropoutKey dropout_key(const Batch& batch, std::int64_t seed, std::int64_t step) {
  const bool is_empty = batch.micro_batches.empty();
  return {static_cast<std::uint64_t>(seed), step, is_empty ? 0 : batch.micro_batches.front().columns.first};
}

/// All micro-batches of a batch, to learn from.
inline std::vector<TrainMicroBatch> micro_batches_of(const Batch& batch, BatchState& state) {
  std::vector<TrainMicroBatch> all;
  for (std::size_t i = 0; i < batch.micro_batches.size(); ++i) {
    all.push_back({window_of(batch, i), &state.at(batch, i)});
  }
  return all;
}

}  // namespace charrnn
