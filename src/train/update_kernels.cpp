// This file is compiled several times, each for another instruction set, with CHARRNN_KERNELS as the namespace. It
// must not use anything from a header that could be compiled into a function of its own: the linker keeps one copy
// of such a function for the whole program, maybe one for a newer processor.
#include "train/update_kernels.hpp"

#include "base/loop_hints.hpp"

namespace charrnn::CHARRNN_KERNELS {

namespace {

double sum_of_squares(std::int64_t size, const float* x) {
  constexpr std::int64_t kLanes = 16;
  double sums[kLanes] = {};
  for (std::int64_t i = 0; i < size; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(x[i + lane]);
      sums[lane] += value * value;
    }
  }
  double sum = 0;
  for (std::int64_t lane = 0; lane < kLanes; ++lane) sum += sums[lane];
  return sum;
}

void adam(std::int64_t size, float* parameters, const float* gradient, float* exp_avg, float* exp_avg_sq,
          const AdamRates& rates) {
  const AdamRates r = rates;
  CHARRNN_INDEPENDENT
  for (std::int64_t i = 0; i < size; ++i) {
    const float before = parameters[i] * r.shrink;
    const float g = gradient[i] * r.gradient_scale + parameters[i] * r.weight_decay;
    const float m = exp_avg[i] + r.rest1 * (g - exp_avg[i]);
    const float v = r.beta2 * exp_avg_sq[i] + r.rest2 * g * g;
    exp_avg[i] = m;
    exp_avg_sq[i] = v;
    parameters[i] = before - r.step_size * m / (__builtin_sqrtf(v) * r.per_root_bias + r.epsilon);
  }
}

void add_product(std::int64_t size, const float* a, const float* b, float factor, float* to) {
  CHARRNN_INDEPENDENT
  for (std::int64_t i = 0; i < size; ++i) to[i] += factor * a[i] * b[i];
}

void lerp(std::int64_t size, const float* end, float weight, float* to) {
  if (weight < 0.5F) {
    CHARRNN_INDEPENDENT
    for (std::int64_t i = 0; i < size; ++i) to[i] += weight * (end[i] - to[i]);
  } else {
    const float back = weight - 1;
    CHARRNN_INDEPENDENT
    for (std::int64_t i = 0; i < size; ++i) to[i] = end[i] + back * (end[i] - to[i]);
  }
}

}  // namespace

extern const UpdateKernels kUpdateKernels;
const UpdateKernels kUpdateKernels = {sum_of_squares, adam, add_product, lerp};

}  // namespace charrnn::CHARRNN_KERNELS
