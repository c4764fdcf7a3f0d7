// A running average of the parameters over the last steps: it is validated, saved and sampled from instead of the
// parameters that are being trained.
#pragma once

#include <cstdint>
#include <vector>

#include "models/language_model.hpp"
#include "train/flat_buffer.hpp"

namespace charrnn {

/// Exponential moving average (Polyak & Juditsky, SIAM J. Control Optim. 1992, with forgetting):
/// a ← d·a + (1 − d)·p after every step n, d = min(decay, (1 + n) / (10 + n)), so that the start is forgotten
/// quickly.
class WeightAverage {
 public:
  /// The average starts as a copy of the model's parameters. `model` must outlive it.
  WeightAverage(LanguageModel& model, double decay);

  /// After step number `steps` (from 1).
  void update(std::int64_t steps);
  /// Swaps the average and the model's parameters; a second call swaps them back (see ScopedAverage).
  void exchange();
  /// What is not in the model now, in host memory.
  std::vector<float> store() const;

 private:
  LanguageModel& model_;
  double decay_;
  FlatBuffer average_, spare_;
};

/// While it lives the average, if there is one, is in the model's place.
class ScopedAverage {
 public:
  explicit ScopedAverage(WeightAverage* average) : average_(average) {
    if (average_ != nullptr) average_->exchange();
  }
  ~ScopedAverage() {
    if (average_ != nullptr) average_->exchange();
  }
  ScopedAverage(const ScopedAverage&) = delete;
  ScopedAverage& operator=(const ScopedAverage&) = delete;

 private:
  WeightAverage* average_;
};

}  // namespace charrnn
