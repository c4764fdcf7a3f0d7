// A running average of the parameters over the last steps: it is validated, saved and sampled from instead
// of the parameters that are trained.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/device.hpp"

namespace charrnn {

/// Exponential moving average (Polyak & Juditsky, SIAM J. Control Optim. 1992, with forgetting):
/// a ← d·a + (1 − d)·p after every step n, d = min(decay, (1 + n) / (10 + n)), so that the start is forgotten
/// quickly.
class WeightAverage {
 public:
  /// `parameters` are flat, in the memory of `device`, and outlive this. The average starts as a copy.
  WeightAverage(std::span<float> parameters, Device device, double decay);
  ~WeightAverage();

  /// After step number `steps` (from 1).
  void update(std::int64_t steps);
  /// Puts the average in the parameters' place, and those in its own; once more puts them back.
  void exchange();
  /// What is beside the parameters now, in host memory.
  std::vector<float> store() const;

 private:
  struct Tensors;
  double decay_;
  std::unique_ptr<Tensors> tensors_;
};

}  // namespace charrnn
