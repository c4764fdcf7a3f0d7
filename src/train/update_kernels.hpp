// The optimizers' element-wise arithmetic on CPUs, compiled once for each instruction set; which one runs is chosen
// when the program starts.
#pragma once

#include <cstdint>

namespace charrnn {

/// Sizes are multiples of 16, as ParameterLayout lays parameters out.
struct AdamRates {
  float rest1, rest2;  ///< 1 − beta1, 1 − beta2
  float beta2, epsilon;
  float step_size;       ///< learning rate / (1 − beta1^step)
  float per_root_bias;   ///< 1 / √(1 − beta2^step)
  float gradient_scale;  ///< the gradient is multiplied with it first
  float weight_decay;    ///< times the parameter, added to the gradient
  float shrink;          ///< 1 − rate · decoupled weight decay: the parameter is multiplied with it first
};

struct UpdateKernels {
  /// Σ x² in double precision.
  double (*sum_of_squares)(std::int64_t size, const float* x);
  /// One step of Adam.
  void (*adam)(std::int64_t size, float* parameters, const float* gradient, float* exp_avg, float* exp_avg_sq,
               const AdamRates& rates);
  /// to[i] += factor · a[i] · b[i]
  void (*add_product)(std::int64_t size, const float* a, const float* b, float factor, float* to);
  /// to[i] += weight · (end[i] − to[i]), from the nearer end, as torch.lerp does.
  void (*lerp)(std::int64_t size, const float* end, float weight, float* to);
};

/// The fastest that this processor can run.
const UpdateKernels& update_kernels();

}  // namespace charrnn
