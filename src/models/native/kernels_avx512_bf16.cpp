// Conversions to bfloat16 with AVX512_BF16's instructions. They round as bf16_bits() does, but take subnormal
// numbers for zero, as products of bfloat16 numbers do. As in kernels.cpp nothing may come from a header that
// could become a function of its own.
#include "models/native/kernels_avx512_bf16.hpp"

#include <immintrin.h>

namespace charrnn::avx512_bf16 {

namespace {

constexpr std::int64_t kLanes = 16;

/// The next of `left` numbers.
__mmask16 next_of(std::int64_t left) {
  return static_cast<__mmask16>((1U << (left < kLanes ? left : kLanes)) - 1U);
}

__m256i rounded(__mmask16 mask, const float* from) {
  return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from)));
}

}  // namespace

void to_bf16(std::int64_t size, const float* from, std::uint16_t* to) {
  for (std::int64_t i = 0; i < size; i += kLanes) {
    const __mmask16 mask = next_of(size - i);
    _mm256_mask_storeu_epi16(to + i, mask, rounded(mask, from + i));
  }
}

void to_bf16_pairs(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                   std::uint32_t* to, std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; row += 2) {
    const float* const even = from + row * from_stride;
    std::uint32_t* const pairs = to + row / 2 * to_stride;
    for (std::int64_t i = 0; i < columns; i += kLanes) {
      const __mmask16 mask = next_of(columns - i);
      __m512i both = _mm512_maskz_cvtepu16_epi32(mask, rounded(mask, even + i));
      if (row + 1 < rows) {
        const __m512i odd = _mm512_maskz_cvtepu16_epi32(mask, rounded(mask, even + from_stride + i));
        both = _mm512_or_si512(both, _mm512_maskz_slli_epi32(mask, odd, 16));
      }
      _mm512_mask_storeu_epi32(pairs + i, mask, both);
    }
  }
}

}  // namespace charrnn::avx512_bf16
