// How the loss answers to the learning rate: the learning rate range test (Smith, "Cyclical learning rates
// for training neural networks", WACV 2017), as fast.ai's lr_find does it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "data/batches.hpp"
#include "models/language_model.hpp"
#include "train/training_step.hpp"

namespace charrnn {

struct LrSweep {
  double start = 1e-5, end = 10;  ///< the rate grows exponentially from the one to the other
  std::int64_t steps = 0;
};

struct LrPoint {
  double learning_rate = 0;
  double loss = 0;      ///< of the step's batch, nats per character
  double smoothed = 0;  ///< running mean (0.98, bias-corrected)
};

struct LrFinding {
  std::vector<LrPoint> points;
  bool stopped = false;   ///< it was asked to stop
  bool diverged = false;  ///< it ended early: the smoothed loss was four times its minimum, or not finite
  /// A tenth of the rate at which the smoothed loss was lowest: there it still falls steeply. 0: too few
  /// steps.
  double suggestion = 0;
};

/// Sweeps over `sweep.steps` batches, from the first on and from a hidden state of zero, one update each at
/// the next rate. `base_rate` is the config's: groups with their own rates scale along. `progress` gets every
/// point. Every rank returns the same; the parameters are spoilt. Ends early when `wants_stop` says so on any rank.
LrFinding find_learning_rate(const LrSweep& sweep, double base_rate, LanguageModel& model, Batches& batches,
                             TrainingStep& step, const std::function<bool()>& wants_stop,
                             const std::function<void(const LrPoint&)>& progress);

}  // namespace charrnn
