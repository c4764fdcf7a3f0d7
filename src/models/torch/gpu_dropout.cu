#include <algorithm>
#include <stdexcept>
#include <string>

#include "base/random.hpp"
#include "models/torch/gpu_dropout.hpp"

namespace charrnn {

namespace {

/// What all elements of a mask have in common.
struct MaskPlan {
  Purpose purpose;
  std::uint32_t place;         ///< of column 0 in the run
  std::int64_t columns;        ///< of the mask
  std::int64_t units, blocks;  ///< of a row of one column: elements, and Philox blocks of eight draws
  DropRule rule;
};

/// One thread a Philox block.
__global__ void fill_mask(const std::int64_t* key, MaskPlan plan, std::int64_t rows, float* mask) {
  const auto seed = static_cast<std::uint64_t>(key[0]);
  const auto step = static_cast<std::uint64_t>(key[1]);
  const std::uint32_t first_column =
      plan.purpose == Purpose::kDropout ? static_cast<std::uint32_t>(key[2]) : 0;
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < rows * plan.blocks;
       i += stride) {
    const std::int64_t row = i / plan.blocks, block = i % plan.blocks;
    const std::int64_t t = row / plan.columns, column = row % plan.columns;
    const RandomStream stream(seed, plan.purpose, step,
                              plan.place + first_column + static_cast<std::uint32_t>(column));
    const auto words = stream.block(static_cast<std::uint32_t>(t * plan.blocks + block));
    const std::int64_t first = block * kDrawsPerBlock;
#pragma unroll
    for (std::int64_t j = 0; j < kDrawsPerBlock; ++j) {
      const std::uint32_t draw = words[j / 2] >> (16 * (j % 2)) & 0xFFFF;
      if (first + j < plan.units)
        mask[row * plan.units + first + j] = draw < plan.rule.threshold ? 0 : plan.rule.keep;
    }
  }
}

void enqueue(const std::int64_t* key, Purpose purpose, std::uint32_t place, double p, std::int64_t columns,
             std::int64_t units, std::span<float> mask, void* stream) {
  constexpr std::int64_t kThreads = 256, kMostBlocks = 4096;
  if (mask.empty()) return;
  const MaskPlan plan{purpose,    place, columns, units, (units + kDrawsPerBlock - 1) / kDrawsPerBlock,
                      DropRule(p)};
  const std::int64_t rows = static_cast<std::int64_t>(mask.size()) / units;
  const std::int64_t blocks = std::min(kMostBlocks, (rows * plan.blocks + kThreads - 1) / kThreads);
  fill_mask<<<static_cast<unsigned>(blocks), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      key, plan, rows, mask.data());
  const cudaError_t status = cudaGetLastError();
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string("dropout mask on the GPU: ") + cudaGetErrorString(status));
  }
}

}  // namespace

void enqueue_dropout_mask(const std::int64_t* key, std::int64_t layer, double p, std::int64_t columns,
                          std::int64_t hidden, std::span<float> mask, void* stream) {
  enqueue(key, Purpose::kDropout, static_cast<std::uint32_t>(layer << 24), p, columns, hidden, mask, stream);
}

void enqueue_weight_mask(const std::int64_t* key, std::int64_t layer, double p, std::span<float> mask,
                         void* stream) {
  enqueue(key, Purpose::kWeightDropout, static_cast<std::uint32_t>(layer), p, 1,
          static_cast<std::int64_t>(mask.size()), mask, stream);
}

}  // namespace charrnn
