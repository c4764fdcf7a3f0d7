#include <cuda_bf16.h>

#include <algorithm>
#include <bit>

#include "dist/cuda_check.hpp"
#include "models/torch/gpu_dropout.hpp"

namespace charrnn {

namespace {

/// The elements of a Philox block, as the GPU moves them: 16 bytes at once.
template <typename Number>
struct alignas(16) Eight {
  Number numbers[kDrawsPerBlock];
};

/// Threads: a Philox block each; x goes along a row, y from row to row.
template <typename Number, bool in_eights>
__global__ void drop(const DropPlan plan, const std::int64_t* __restrict__ key, std::uint32_t rows, const Number* from,
                     Number* to) {
  const std::int64_t block = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (block >= plan.blocks()) return;
  for (std::int64_t row = std::int64_t{blockIdx.y} * blockDim.y + threadIdx.y; row < rows;
       row += std::int64_t{gridDim.y} * blockDim.y) {
    const std::int64_t first = row * plan.units + block * kDrawsPerBlock;
    if constexpr (in_eights) {
      Eight<Number> eight = *reinterpret_cast<const Eight<Number>*>(from + first);
      drop_block(plan, key, static_cast<std::uint32_t>(row), block, eight.numbers, eight.numbers);
      *reinterpret_cast<Eight<Number>*>(to + first) = eight;
    } else {
      drop_block(plan, key, static_cast<std::uint32_t>(row), block, from + first, to + first);
    }
  }
}

bool is_aligned(const void* memory) {
  return reinterpret_cast<std::uintptr_t>(memory) % 16 == 0;
}

template <typename Number>
void enqueue(const DropPlan& plan, const std::int64_t* key, std::int64_t size, const Number* from, Number* to,
             void* stream) {
  if (size == 0) return;
  constexpr std::int64_t kThreads = 256, kMostInY = 65'535;
  const std::int64_t rows = size / plan.units;
  const auto wide =
      std::min(kThreads, static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(plan.blocks()))));
  const std::int64_t high = kThreads / wide;
  const dim3 threads(static_cast<unsigned>(wide), static_cast<unsigned>(high));
  const dim3 blocks(static_cast<unsigned>((plan.blocks() + wide - 1) / wide),
                    static_cast<unsigned>(std::min(kMostInY, (rows + high - 1) / high)));
  const bool in_eights = plan.units % kDrawsPerBlock == 0 && is_aligned(from) && is_aligned(to);
  const auto kernel = in_eights ? drop<Number, true> : drop<Number, false>;
  kernel<<<blocks, threads, 0, static_cast<cudaStream_t>(stream)>>>(plan, key, static_cast<std::uint32_t>(rows), from,
                                                                    to);
  check_cuda(cudaGetLastError(), "dropout");
}

}  // namespace

void enqueue_dropout(const DropPlan& plan, const std::int64_t* key, std::span<const float> from, std::span<float> to,
                     void* stream) {
  enqueue(plan, key, static_cast<std::int64_t>(from.size()), from.data(), to.data(), stream);
}

void enqueue_dropout(const DropPlan& plan, const std::int64_t* key, std::span<const std::uint16_t> from,
                     std::span<std::uint16_t> to, void* stream) {
  enqueue(plan, key, static_cast<std::int64_t>(from.size()), reinterpret_cast<const __nv_bfloat16*>(from.data()),
          reinterpret_cast<__nv_bfloat16*>(to.data()), stream);
}

}  // namespace charrnn
