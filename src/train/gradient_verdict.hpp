// What is done with a summed gradient: decided where it lies, on a CPU or a GPU.
#pragma once

#include <algorithm>

namespace charrnn {

/// What a gradient of this norm is multiplied with so that its norm is at most `limit` (0: no limit), as
/// torch.nn.utils.clip_grad_norm_ does.
constexpr double clip_factor(double norm, double limit) {
  constexpr double kTiny = 1e-6;  // keeps the quotient finite
  return limit > 0 ? std::min(1.0, limit / (norm + kTiny)) : 1.0;
}

struct GradientVerdict {
  float norm;        ///< of the mean gradient
  float divisor;     ///< what makes of the sum the clipped mean
  float leaves_out;  ///< 1: something is not finite; else 0
  float counts;      ///< 1: the update counts; 0: it is left out
};

/// `length`: the norm of the sum; `targets`: how many losses, which add up to `loss_sum`, it is the gradient of.
constexpr GradientVerdict judge(double length, double loss_sum, double targets, double limit) {
  const double norm = length / targets, probe = norm + loss_sum;
  const bool is_finite = probe - probe == 0;
  return {static_cast<float>(norm), static_cast<float>(targets / clip_factor(norm, limit)), is_finite ? 0.F : 1.F,
          is_finite ? 1.F : 0.F};
}

}  // namespace charrnn
