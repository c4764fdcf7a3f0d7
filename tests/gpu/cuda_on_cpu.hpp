// Enough of CUDA to run the source of src/models/cuda/ on a CPU, in place of models/cuda/device.hpp: include it before the
// kernels. Every CUDA thread is a fiber; which of those that can go on goes on is drawn at every barrier, so that code with
// a barrier too few gives wrong numbers (of memory that nobody has written, NaN), and with one too many ends in a deadlock.
//
// Not like a GPU: memory is sequentially consistent, so that a missing fence or a stale cache does not show; the lanes of a
// warp are fibers too, and each computes all of a matrix product that on a GPU they compute together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "models/native/bfloat16.hpp"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's

// What CUDA's compiler knows without a header.
#define __device__
#define __global__
#define __launch_bounds__(...)

struct CudaIndex {
  unsigned x = 1, y = 1;
};
extern CudaIndex threadIdx, blockIdx, gridDim;

/// The fiber goes on when all of its CTA have arrived.
void __syncthreads();

struct __nv_bfloat16 {
  std::uint16_t bits;
};
inline __nv_bfloat16 __float2bfloat16(float x) {
  return {static_cast<std::uint16_t>(charrnn::bf16_bits(x))};
}
inline float __bfloat162float(__nv_bfloat16 x) {
  return __builtin_bit_cast(float, std::uint32_t{x.bits} << 16);
}

namespace cuda_on_cpu {

/// Runs a kernel to its end: grid.x · grid.y CTAs of `threads` threads, all at the same time. `seed` decides their order.
/// std::runtime_error if none of them can go on.
void launch(CudaIndex grid, unsigned threads, std::size_t shared_bytes, std::uint64_t seed,
            const std::function<void()>& kernel);

/// Lets other fibers go first.
void yield();
/// Of the CTA; at first all bits are set.
unsigned char* shared_memory();

}  // namespace cuda_on_cpu

namespace charrnn {

using cuda_on_cpu::shared_memory;

inline void add_release(unsigned* counter) {
  cuda_on_cpu::yield();
  ++*counter;
}
inline unsigned load_acquire(const unsigned* counter) {
  cuda_on_cpu::yield();
  return *counter;
}

/// nvcuda::wmma for fragments of 16 x 16, each row-major.
namespace wmma {

struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
inline constexpr int mem_row_major = 0;

template <class Use, int m, int n, int k, class Number, class Layout = row_major>
struct fragment {
  static_assert(m == 16 && n == 16 && k == 16);
  float numbers[16][16];
};

template <class Fragment>
void fill_fragment(Fragment& fragment, float number) {
  for (auto& row : fragment.numbers) {
    for (float& to : row) to = number;
  }
}

template <class Use, class Layout>
void load_matrix_sync(fragment<Use, 16, 16, 16, __nv_bfloat16, Layout>& to, const __nv_bfloat16* from,
                      unsigned stride) {
  for (unsigned i = 0; i < 16; ++i) {
    for (unsigned j = 0; j < 16; ++j) {
      float& number = std::is_same_v<Layout, row_major> ? to.numbers[i][j] : to.numbers[j][i];
      number = __bfloat162float(from[i * stride + j]);
    }
  }
}

template <class A, class B, class Sum>
void mma_sync(Sum& to, const A& a, const B& b, const Sum& sum) {
  Sum result = sum;
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 16; ++k) {
      for (int j = 0; j < 16; ++j) result.numbers[i][j] += a.numbers[i][k] * b.numbers[k][j];
    }
  }
  to = result;
}

/// Every lane stores its share.
template <class Sum>
void store_matrix_sync(float* to, const Sum& from, unsigned stride, int /*layout*/) {
  const unsigned lane = threadIdx.x % 32;
  for (unsigned i = lane * 8; i < lane * 8 + 8; ++i) to[i / 16 * stride + i % 16] = from.numbers[i / 16][i % 16];
}

}  // namespace wmma

}  // namespace charrnn

// NOLINTEND(readability-identifier-naming)
