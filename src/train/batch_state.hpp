// The hidden state beside a stretch of batches.
#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "data/batches.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// Hidden states of this rank's groups of columns, in order.
using GroupStates = std::vector<std::unique_ptr<HiddenState>>;

/// Carries the states from batch to batch where the data are cut up so, and gives zeros elsewhere.
class BatchState {
 public:
  /// States of zeros. Both must outlive this.
  BatchState(const LanguageModel& model, const Batches& batches)
      : model_(model), carry_(batches.carry_state()) {
    const Sharding& sharding = batches.sharding();
    for (std::int64_t group = sharding.mine.first; group < sharding.mine.end(); ++group) {
      states_.push_back(model.make_state(sharding.columns_of_group(batches.columns(), group).count));
    }
  }

  /// The state that the i-th group of `batch` starts from; the model moves it on.
  HiddenState& at(const Batch& batch, std::size_t i) {
    if (carry_) return *states_[i];
    const std::int64_t columns = batch.groups[i].columns.count;  // fewer in an epoch's last batch
    std::unique_ptr<HiddenState>& state = zeros_[{i, columns}];
    if (state == nullptr) {
      state = model_.make_state(columns);
    } else {
      state->zero();
    }
    return *state;
  }
  const GroupStates& carried() const { return states_; }
  bool is_carried() const { return carry_; }
  void zero() {
    for (const auto& state : states_) state->zero();
  }

 private:
  const LanguageModel& model_;
  bool carry_;
  GroupStates states_;
  /// Where nothing is carried, by group and columns: a GPU's steps are recorded for a state's memory.
  std::map<std::pair<std::size_t, std::int64_t>, std::unique_ptr<HiddenState>> zeros_;
};

/// The i-th group of a batch as the model takes it.
inline Window window_of(const Batch& batch, std::size_t i) {
  const GroupBatch& group = batch.groups[i];
  return {group.inputs, group.targets, batch.length, group.columns.count};
}

/// All groups of a batch, to learn from.
inline std::vector<TrainGroup> train_groups(const Batch& batch, BatchState& state) {
  std::vector<TrainGroup> groups;
  for (std::size_t i = 0; i < batch.groups.size(); ++i) {
    groups.push_back({window_of(batch, i), &state.at(batch, i)});
  }
  return groups;
}

}  // namespace charrnn
