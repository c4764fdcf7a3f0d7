#include "dist/cuda_check.hpp"
#include "train/gpu_verdict.hpp"
#include "train/gradient_verdict.hpp"

namespace charrnn {

namespace {

constexpr int kThreads = 256;  // of a block

/// Adds up what the threads of a block have; all of them get the sum.
__device__ double sum_of_block(double mine) {
  __shared__ double sums[kThreads];
  sums[threadIdx.x] = mine;
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  __syncthreads();
  const double total = sums[0];
  __syncthreads();
  return total;
}

__global__ void __launch_bounds__(kThreads) add_squares(const float* gradient, std::int64_t size, double* scratch) {
  double mine = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < size; i += kVerdictScratch * kThreads) {
    mine += static_cast<double>(gradient[i]) * gradient[i];  // the square is exact
  }
  const double total = sum_of_block(mine);
  if (threadIdx.x == 0) scratch[blockIdx.x] = total;
}

__global__ void __launch_bounds__(kThreads) decide(const double* scratch, const float* losses, std::int64_t count,
                                                   const float* targets, double limit, GradientVerdict* to) {
  static_assert(kThreads == kVerdictScratch);
  const double squares = sum_of_block(scratch[threadIdx.x]);
  double mine = 0;
  for (std::int64_t i = threadIdx.x; i < count; i += kThreads) mine += losses[i];
  const double loss_sum = sum_of_block(mine);
  if (threadIdx.x == 0) *to = judge(sqrt(squares), loss_sum, *targets, limit);
}

}  // namespace

void queue_gpu_verdict(std::span<const float> gradient, std::span<const float> losses, const float* targets,
                       double limit, double* scratch, float* to, void* stream) {
  const auto queue = static_cast<cudaStream_t>(stream);
  add_squares<<<kVerdictScratch, kThreads, 0, queue>>>(gradient.data(), static_cast<std::int64_t>(gradient.size()),
                                                       scratch);
  decide<<<1, kThreads, 0, queue>>>(scratch, losses.data(), static_cast<std::int64_t>(losses.size()), targets, limit,
                                    reinterpret_cast<GradientVerdict*>(to));
  check_cuda(cudaGetLastError(), "the gradient's norm");
}

}  // namespace charrnn
