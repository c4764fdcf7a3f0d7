// Products of 16-bit with 8-bit integers. Compiled for several instruction sets: all is inlined, and no function shared.
#pragma once

#include <cstdint>

namespace charrnn {

/// Integers of a factor lie in ±127 and in ±32,767. A sum of so many products of them fits in 32 bits.
inline constexpr float kMostInt8 = 127, kMostInt16 = 32767;
inline constexpr std::int64_t kInt8Depth = 512;
static_assert(kInt8Depth * 127 * 32767 <= INT32_MAX);
/// Products have a multiple of so many outputs: a panel's.
inline constexpr std::int64_t kInt8Outputs = 32;

/// Rows of integers times `scales`, one for each row, are a matrix of numbers.
template <class Integer>
struct ScaledRows {
  const Integer* first;
  std::int64_t stride;
  const float* scales;
};

/// to[i] = from[i] / scale, to the nearest integer, ties to even; returns the scale, with which the largest becomes `most`.
/// NaN if there is a number that is not finite.
template <class Integer>
[[gnu::always_inline]] inline float quantise(std::int64_t size, const float* from, float most, Integer* to) {
  constexpr float kRound = 12582912.0F;  // 1.5 · 2^23: adding it leaves the nearest whole number
  constexpr float kZero = 1e-30F;        // else one over the scale might not be finite
  float largest = 0, not_finite = 0;
  for (std::int64_t i = 0; i < size; ++i) {
    const float magnitude = from[i] < 0 ? -from[i] : from[i];
    largest = largest > magnitude ? largest : magnitude;
  }
  for (std::int64_t i = 0; i < size; ++i) not_finite = from[i] * 0.0F == 0 ? not_finite : 1.0F;
  if (not_finite != 0) return __builtin_nanf("");
  const float inverse = largest > kZero ? most / largest : 0;
  for (std::int64_t i = 0; i < size; ++i) {
    to[i] = static_cast<Integer>(__builtin_bit_cast(std::int32_t, from[i] * inverse + kRound) -
                                 __builtin_bit_cast(std::int32_t, kRound));
  }
  return largest > kZero ? largest / most : 0;
}

/// Sums of kRows rows of a and four of b, kInt8Outputs apart. The compiler knows instructions for such sums if each has a
/// name of its own: it unrolls the inner loops before it looks for vectors.
template <int kRows>
[[gnu::always_inline]] inline void sum_int8_products(std::int64_t depth, const ScaledRows<std::int16_t>& a,
                                                     const std::int8_t* b, std::int64_t b_stride, std::int32_t* sums) {
  constexpr int kOutputs = 4;
  std::int32_t block[kRows * kOutputs] = {};
  for (std::int64_t i = 0; i < depth; ++i) {
#pragma GCC unroll 4
    for (int output = 0; output < kOutputs; ++output) {
#pragma GCC unroll 4
      for (int row = 0; row < kRows; ++row) {
        block[output * kRows + row] += b[output * b_stride + i] * a.first[row * a.stride + i];
      }
    }
  }
  for (int row = 0; row < kRows; ++row) {
    for (int output = 0; output < kOutputs; ++output) sums[row * kInt8Outputs + output] = block[output * kRows + row];
  }
}

/// multiply_int8_rows() for kRows rows and kInt8Outputs outputs.
template <int kRows>
[[gnu::always_inline]] inline void multiply_int8_block(std::int64_t depth, const ScaledRows<std::int16_t>& a,
                                                       const ScaledRows<std::int8_t>& b, float* c,
                                                       std::int64_t c_stride, bool add) {
  constexpr std::int64_t kAhead = 8, kLine = 64;
  std::int32_t sums[kRows * kInt8Outputs];
  for (std::int64_t output = 0; output < kInt8Outputs; output += 4) {
    // A single row is multiplied faster than the processor by itself fetches what follows.
    for (std::int64_t next = output + kAhead; kRows == 1 && next < output + kAhead + 4; ++next) {
      for (std::int64_t i = 0; i < depth; i += kLine) __builtin_prefetch(b.first + next * b.stride + i);
    }
    sum_int8_products<kRows>(depth, a, b.first + output * b.stride, b.stride, sums + output);
  }
  for (int row = 0; row < kRows; ++row) {
    float* const to = c + row * c_stride;
    for (std::int64_t output = 0; output < kInt8Outputs; ++output) {
      // In double precision: no compiler makes one operation of this product and the sum, which would round otherwise.
      const double scale = static_cast<double>(a.scales[row]) * static_cast<double>(b.scales[output]);
      const auto product = static_cast<float>(static_cast<double>(sums[row * kInt8Outputs + output]) * scale);
      to[output] = (add ? to[output] : 0.0F) + product;
    }
  }
}

/// As Kernels::multiply_int8.
[[gnu::always_inline]] inline void multiply_int8_rows(std::int64_t rows, std::int64_t outputs, std::int64_t depth,
                                                      ScaledRows<std::int16_t> a, ScaledRows<std::int8_t> b, float* c,
                                                      std::int64_t c_stride, bool add) {
  constexpr int kRows = 4;
  for (std::int64_t output = 0; output < outputs; output += kInt8Outputs) {
    const ScaledRows<std::int8_t> right{b.first + output * b.stride, b.stride, b.scales + output};
    for (std::int64_t row = 0; row < rows;) {
      const ScaledRows<std::int16_t> left{a.first + row * a.stride, a.stride, a.scales + row};
      float* const to = c + row * c_stride + output;
      if (row + kRows <= rows) {
        multiply_int8_block<kRows>(depth, left, right, to, c_stride, add);
        row += kRows;
      } else {
        multiply_int8_block<1>(depth, left, right, to, c_stride, add);
        ++row;
      }
    }
  }
}

}  // namespace charrnn
