// The running mean that fast.ai prints as the training loss.
#pragma once

namespace charrnn {

/// Exponential mean with the factor 0.98, bias-corrected: the sums are divided by the weight they carry.
struct RunningMean {
  double sum = 0, weight = 0;

  void add(double value) {
    constexpr double kFactor = 0.98;
    sum = kFactor * sum + (1 - kFactor) * value;
    weight = kFactor * weight + (1 - kFactor);
  }
  double mean() const { return sum / weight; }
};

}  // namespace charrnn
