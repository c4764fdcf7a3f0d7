// Conversions to bfloat16 with AVX512_BF16's instructions, and sums of integers with those of AVX512_VNNI, which every
// processor with AVX512_BF16 has. Conversions round as bf16_bits() does, but take subnormal numbers for zero, as products
// of bfloat16 numbers do. As in kernels.cpp nothing may come from a header that could become a function of its own.
#include "models/native/kernels_avx512_bf16.hpp"

#include <immintrin.h>

#include "models/native/transpose_square.hpp"

namespace charrnn::avx512_bf16 {

namespace {

constexpr std::int64_t kLanes = 16;
constexpr __mmask16 kAll = 0xFFFF;  // with a mask, gcc 12 sees no uninitialised operand

/// The next of `left` numbers.
__mmask16 next_of(std::int64_t left) {
  return static_cast<__mmask16>((1U << (left < kLanes ? left : kLanes)) - 1U);
}

__m256i rounded(__m512 x) {
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x));
}

/// The bits of sixteen bfloat16 numbers, each in the lower half of 32.
__m512i widened(__m256i halves) {
  return _mm512_maskz_cvtepu16_epi32(kAll, halves);
}

/// What rounding took away.
__m512 rest_of(__m512 x, __m512i high) {
  return _mm512_sub_ps(x, _mm512_castsi512_ps(_mm512_maskz_slli_epi32(kAll, high, 16)));
}

/// The rows `even` and, unless it is null, `odd` from number i on, two numbers to a lane.
struct Pairs {
  __m512 even, odd;
};

Pairs load(__mmask16 mask, const float* even, const float* odd, std::int64_t i) {
  return {_mm512_maskz_loadu_ps(mask, even + i),
          odd == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, odd + i)};
}

__m512i together(__m512i even, __m512i odd) {
  return _mm512_or_si512(even, _mm512_maskz_slli_epi32(kAll, odd, 16));
}

using Words = std::int32_t __attribute__((vector_size(kLanes * sizeof(std::int32_t))));

/// Sixteen columns of 32 rows of bfloat16 numbers, from pairs of rows.
inline void store_columns(Words* pairs, std::uint16_t* to, std::int64_t to_stride) {
  transpose_square(pairs);
  for (std::int64_t i = 0; i < kLanes; ++i) __builtin_memcpy(to + i * to_stride, &pairs[i], sizeof(Words));
}

}  // namespace

void to_bf16(std::int64_t size, const float* from, std::uint16_t* to) {
  for (std::int64_t i = 0; i < size; i += kLanes) {
    const __mmask16 mask = next_of(size - i);
    _mm256_mask_storeu_epi16(to + i, mask, rounded(_mm512_maskz_loadu_ps(mask, from + i)));
  }
}

void to_bf16_pairs(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                   std::uint32_t* to, std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; row += 2) {
    const float* const even = from + row * from_stride;
    const float* const odd = row + 1 < rows ? even + from_stride : nullptr;
    std::uint32_t* const pairs = to + row / 2 * to_stride;
    for (std::int64_t i = 0; i < columns; i += kLanes) {
      const __mmask16 mask = next_of(columns - i);
      const Pairs x = load(mask, even, odd, i);
      _mm512_mask_storeu_epi32(pairs + i, mask, together(widened(rounded(x.even)), widened(rounded(x.odd))));
    }
  }
}

void split_to_bf16(std::int64_t size, const float* from, std::uint16_t* high, std::uint16_t* low) {
  for (std::int64_t i = 0; i < size; i += kLanes) {
    const __mmask16 mask = next_of(size - i);
    const __m512 x = _mm512_maskz_loadu_ps(mask, from + i);
    const __m256i nearest = rounded(x);
    _mm256_mask_storeu_epi16(high + i, mask, nearest);
    _mm256_mask_storeu_epi16(low + i, mask, rounded(rest_of(x, widened(nearest))));
  }
}

void split_to_bf16_pairs(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                         std::uint32_t* high, std::uint32_t* low, std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; row += 2) {
    const float* const even = from + row * from_stride;
    const float* const odd = row + 1 < rows ? even + from_stride : nullptr;
    std::uint32_t *const highs = high + row / 2 * to_stride, *const lows = low + row / 2 * to_stride;
    for (std::int64_t i = 0; i < columns; i += kLanes) {
      const __mmask16 mask = next_of(columns - i);
      const Pairs x = load(mask, even, odd, i);
      const __m512i first = widened(rounded(x.even)), second = widened(rounded(x.odd));
      _mm512_mask_storeu_epi32(highs + i, mask, together(first, second));
      _mm512_mask_storeu_epi32(
          lows + i, mask, together(widened(rounded(rest_of(x.even, first))), widened(rounded(rest_of(x.odd, second)))));
    }
  }
}

void transpose_to_bf16(std::int64_t rows, std::int64_t columns, const float* const* from, std::int64_t first,
                       std::uint16_t* high, std::uint16_t* low, std::int64_t to_stride) {
  const auto row_from = [&](std::int64_t row, std::int64_t column) {
    return row < rows ? _mm512_loadu_ps(from[row] + first + column) : _mm512_setzero_ps();
  };
  for (std::int64_t row = 0; row < rows; row += 2 * kLanes) {
    for (std::int64_t column = 0; column < columns; column += kLanes) {
      Words highs[kLanes], lows[kLanes];
      for (std::int64_t i = 0; i < kLanes; ++i) {
        const Pairs x{row_from(row + 2 * i, column), row_from(row + 2 * i + 1, column)};
        const __m512i even = widened(rounded(x.even)), odd = widened(rounded(x.odd));
        highs[i] = reinterpret_cast<Words>(together(even, odd));
        if (low != nullptr) {
          lows[i] = reinterpret_cast<Words>(
              together(widened(rounded(rest_of(x.even, even))), widened(rounded(rest_of(x.odd, odd)))));
        }
      }
      store_columns(highs, high + column * to_stride + row, to_stride);
      if (low != nullptr) store_columns(lows, low + column * to_stride + row, to_stride);
    }
  }
}

void multiply_int8(std::int64_t rows, std::int64_t outputs, std::int64_t depth, ScaledRows<std::int16_t> a,
                   ScaledRows<std::int8_t> b, float* c, std::int64_t c_stride, bool add) {
  multiply_int8_rows(rows, outputs, depth, a, b, c, c_stride, add);
}

}  // namespace charrnn::avx512_bf16
