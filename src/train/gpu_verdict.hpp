// The verdict on a gradient, on a GPU. Only in the CUDA build.
#pragma once

#include <cstdint>
#include <span>

namespace charrnn {

/// Numbers of scratch memory that it takes.
constexpr std::int64_t kVerdictScratch = 256;

/// Queues on a CUDA stream: `to` gets the GradientVerdict on a gradient. All memory is the GPU's. Additions come in one
/// order, in double precision, whatever the GPU: replicas of a model on GPUs of several kinds stay alike.
/// The Error of gpu_error() if it cannot be started.
void queue_gpu_verdict(std::span<const float> gradient, std::span<const float> losses, const float* targets,
                       double limit, double* scratch, float* to, void* stream);

}  // namespace charrnn
