// The kernels behind recurrence.hpp. Grid: x is hidden / 16, a CTA for 16 units; y is the groups of columns. Include
// models/cuda/device.hpp before it, or what stands in for it on a CPU.
#pragma once

#include "models/cuda/cell_formulas.cuh"
#include "models/cuda/recurrence.hpp"
#include "models/cuda/recurrence_kernels.hpp"

// GPUs before compute capability 8.0 cannot multiply bf16; the kernels do nothing there, and why_no_recurrence() refuses them.
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800
#define CHARRNN_MULTIPLIES_BF16
#endif

namespace charrnn {

using Bf16 = __nv_bfloat16;

__device__ inline const Bf16* numbers(const Bf16Bits* bits) {
  return reinterpret_cast<const Bf16*>(bits);
}
__device__ inline Bf16* numbers(Bf16Bits* bits) {
  return reinterpret_cast<Bf16*>(bits);
}

/// As the GPU reads them at once.
struct alignas(16) Eight {
  Bf16 numbers[8];
};

/// A CTA's product: 16 columns of `depth` numbers times its weights, which give `tiles` times 16 results a column. Warps
/// share the depth out among them, 16 at a time, and leave partial sums; each thread adds up its own results, those of
/// column threadIdx.x / 16 and row threadIdx.x % 16 of every tile.
template <int tiles>
class Product {
 public:
  __device__ explicit Product(std::int64_t depth)
      : depth_(depth),
        stride_(depth + kWeightPadding),
        weights_(reinterpret_cast<Bf16*>(shared_memory())),
        sums_(reinterpret_cast<float*>(shared_memory() + weight_bytes(tiles, depth))) {}

  /// Number k of a row of weights. Rows are tile after tile.
  __device__ Bf16& weight(std::int64_t row, std::int64_t k) { return weights_[row * stride_ + k]; }

  /// `columns` [16, depth]. All threads of the CTA together. Afterwards they may ask for their results, and __syncthreads()
  /// before the next product.
  __device__ void multiply(const Bf16* columns) {
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> sums[tiles];
    for (auto& sum : sums) wmma::fill_fragment(sum, 0.F);
    const int warp = static_cast<int>(threadIdx.x) / kWarpSize;
#pragma unroll 4
    for (std::int64_t k = warp * 16; k < depth_; k += kWarps * 16) {
      wmma::fragment<wmma::matrix_a, 16, 16, 16, Bf16, wmma::row_major> a;
      wmma::load_matrix_sync(a, columns + k, static_cast<unsigned>(depth_));
      for (int tile = 0; tile < tiles; ++tile) {
        wmma::fragment<wmma::matrix_b, 16, 16, 16, Bf16, wmma::col_major> b;
        wmma::load_matrix_sync(b, weights_ + tile * 16 * stride_ + k, static_cast<unsigned>(stride_));
        wmma::mma_sync(sums[tile], a, b, sums[tile]);
      }
    }
    for (int tile = 0; tile < tiles; ++tile) {
      wmma::store_matrix_sync(sums_ + (warp * tiles + tile) * kTileSize, sums[tile], 16, wmma::mem_row_major);
    }
    __syncthreads();
  }

  __device__ float result(int tile) const {
    float sum = 0;
    for (int warp = 0; warp < kWarps; ++warp) sum += sums_[(warp * tiles + tile) * kTileSize + threadIdx.x];
    return sum;
  }

 private:
  std::int64_t depth_, stride_;
  Bf16* weights_;  ///< [tiles · 16, stride_]
  float* sums_;    ///< [kWarps, tiles, 16, 16]
};

/// Returns when all CTAs of the same columns have called it `times` times; then all see what the others have written. The
/// CTA's threads come from a __syncthreads().
__device__ inline void wait_for_others(unsigned* arrivals, unsigned times) {
  if (threadIdx.x == 0) {
    add_release(arrivals + blockIdx.y);
    while (load_acquire(arrivals + blockIdx.y) < times * gridDim.x) {
    }
  }
  __syncthreads();
}

template <RecurrentCell cell>
__global__ void __launch_bounds__(kThreads, 1) recurrence_forward(const RecurrenceForward work) {
#ifdef CHARRNN_MULTIPLIES_BF16
  using Formula = CellFormula<cell>;
  constexpr int kGates = gates_of(cell), kKept = kept_of(cell);
  const auto [length, columns, hidden] = work.shape;
  const std::int64_t first_unit = blockIdx.x * kRecurrenceTile, unit = first_unit + threadIdx.x % 16;

  Product<kGates> product(hidden);
  for (std::int64_t i = threadIdx.x; i < kGates * 16 * hidden / 8; i += kThreads) {
    const std::int64_t row = i / (hidden / 8), k = i % (hidden / 8) * 8, gate = row / 16;
    const Bf16* from = numbers(work.weights) + (gate * hidden + first_unit + row % 16) * hidden + k;
    reinterpret_cast<Eight&>(product.weight(row, k)) = *reinterpret_cast<const Eight*>(from);
  }
  __syncthreads();

  const float bias = cell == RecurrentCell::kGru ? work.bias[unit] : 0;
  for (std::int64_t t = 0; t < length; ++t) {
    for (std::int64_t tile = blockIdx.y; tile < columns / 16; tile += gridDim.y) {
      const std::int64_t column = tile * 16 + threadIdx.x / 16, row = t * columns + column;
      float from_input[kGates], from_hidden[kGates], kept[4];
      for (int gate = 0; gate < kGates; ++gate) {
        from_input[gate] = __bfloat162float(numbers(work.from_input)[(row * kGates + gate) * hidden + unit]);
      }
      // h[t] is an address that no CTA has read before it was written: there can be no older copy in the L1 cache.
      product.multiply(numbers(work.h) + (t * columns + tile * 16) * hidden);
      for (int gate = 0; gate < kGates; ++gate) from_hidden[gate] = product.result(gate);

      const std::int64_t place = column * hidden + unit;
      float state = Formula::kHasState ? work.state[t * work.state_stride + place] : 0;
      const float h = Formula::forward(from_input, from_hidden, bias, state, kept);
      if (Formula::kHasState) work.state[(t + 1) * work.state_stride + place] = state;
      numbers(work.h)[(t + 1) * columns * hidden + place] = __float2bfloat16(h);
      if (work.kept != nullptr) {
        for (int i = 0; i < kKept; ++i) {
          numbers(work.kept)[(row * kKept + i) * hidden + unit] = __float2bfloat16(kept[i]);
        }
      }
      __syncthreads();
    }
    if (t + 1 < length) wait_for_others(work.arrivals, static_cast<unsigned>(t + 1));
  }
#endif
}

template <RecurrentCell cell>
__global__ void __launch_bounds__(kThreads, 1) recurrence_backward(const RecurrenceBackward work) {
#ifdef CHARRNN_MULTIPLIES_BF16
  using Formula = CellFormula<cell>;
  constexpr int kGates = gates_of(cell), kKept = kept_of(cell);
  const auto [length, columns, hidden] = work.shape;
  const std::int64_t first_unit = blockIdx.x * kRecurrenceTile, unit = first_unit + threadIdx.x % 16;

  // The 16 columns of the weights that lead from this CTA's units to all gates.
  Product<1> product(kGates * hidden);
  for (std::int64_t i = threadIdx.x; i < kGates * hidden * 2; i += kThreads) {
    const std::int64_t k = i / 2, first = i % 2 * 8;
    const Eight eight = *reinterpret_cast<const Eight*>(numbers(work.weights) + k * hidden + first_unit + first);
    for (int j = 0; j < 8; ++j) product.weight(first + j, k) = eight.numbers[j];
  }
  __syncthreads();

  for (std::int64_t t = length - 1; t >= 0; --t) {
    const bool is_last = t + 1 == length;
    for (std::int64_t tile = blockIdx.y; tile < columns / 16; tile += gridDim.y) {
      const std::int64_t column = tile * 16 + threadIdx.x / 16, row = t * columns + column;
      const std::int64_t place = column * hidden + unit, now = t * columns * hidden + place;
      float kept[4], of_input[kGates], of_hidden[kGates];
      for (int i = 0; i < kKept; ++i) {
        kept[i] = __bfloat162float(numbers(work.kept)[(row * kKept + i) * hidden + unit]);
      }
      float of_h = __bfloat162float(numbers(work.of_outputs)[now]);
      float carried = Formula::kHasState && !is_last ? work.carried[place] : 0;
      const auto state_at = [&](std::int64_t at) {
        return cell == RecurrentCell::kLstm ? work.state[at] : __bfloat162float(numbers(work.h)[at]);
      };
      const float before = state_at(now), after = state_at(now + columns * hidden);
      if (!is_last) {
        product.multiply(numbers(work.of_hidden) + ((t + 1) * columns + tile * 16) * kGates * hidden);
        of_h += product.result(0);
      }
      Formula::backward(of_h, kept, before, after, carried, of_input, of_hidden);
      if (Formula::kHasState) work.carried[place] = carried;
      for (int gate = 0; gate < kGates; ++gate) {
        const std::int64_t at = (row * kGates + gate) * hidden + unit;
        numbers(work.of_input)[at] = __float2bfloat16(of_input[gate]);
        if (cell == RecurrentCell::kGru) numbers(work.of_hidden)[at] = __float2bfloat16(of_hidden[gate]);
      }
      __syncthreads();
    }
    if (t > 0) wait_for_others(work.arrivals, static_cast<unsigned>(length - t));
  }
#endif
}

}  // namespace charrnn
