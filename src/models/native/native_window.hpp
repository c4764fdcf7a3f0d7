// The window that a pass of the native engine works on.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/range.hpp"
#include "models/language_model.hpp"
#include "models/native/native_state.hpp"

namespace charrnn {

/// Micro-batches side by side: one window of all their columns, and the states they start from.
class NativeWindow {
 public:
  /// To train. They must outlive the pass.
  void take(std::span<const TrainMicroBatch> micro_batches);
  /// A single one; without targets to predict after it.
  void take(const Window& window, HiddenState& state);

  std::int64_t length() const { return all_.length; }
  std::int64_t columns() const { return all_.columns; }
  std::int64_t rows() const { return all_.length * all_.columns; }
  std::span<const std::int64_t> inputs() const { return all_.inputs; }
  std::span<const std::int64_t> targets() const { return all_.targets; }
  /// Columns of each micro-batch.
  std::span<const Range> micro_batches() const { return micro_batches_; }
  /// The last time steps of the window that predict.
  std::int64_t predicting() const { return all_.predicts_every() ? all_.length : 1; }
  std::int64_t first_predicting_row() const { return (length() - predicting()) * columns(); }

  /// For each stretch of `columns` in one micro-batch: work(values, at, count), with the values of state number i in
  /// `layer`, which belong to `count` floats from `at` on of [columns(), padded(width)].
  template <class Work>
  void for_states(std::size_t i, std::int64_t layer, const Range& columns, const Work& work) const {
    for (std::size_t m = 0; m < micro_batches_.size(); ++m) {
      const std::int64_t first = std::max(columns.first, micro_batches_[m].first);
      const std::int64_t count = std::min(columns.end(), micro_batches_[m].end()) - first;
      const std::int64_t width = padded(states_[m]->specs()[i].width);
      if (count > 0) {
        work(states_[m]->at(i, layer) + (first - micro_batches_[m].first) * width, first * width,
             count * width);
      }
    }
  }

 private:
  std::vector<Range> micro_batches_;
  std::vector<NativeState*> states_;            ///< of each micro-batch
  std::vector<std::int64_t> inputs_, targets_;  ///< of several micro-batches
  Window all_;
};

}  // namespace charrnn
