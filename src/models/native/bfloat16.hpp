// Numbers with float32's exponent and eight bits of precision.
#pragma once

#include <cstdint>

namespace charrnn {

/// The 16 bits of x rounded to the nearest bfloat16, ties to even; NaN stays NaN. Always inlined: the kernels
/// are compiled for several instruction sets and must not share a function.
[[gnu::always_inline]] inline std::uint32_t bf16_bits(float x) {
  const auto bits = __builtin_bit_cast(std::uint32_t, x);
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const std::uint32_t quiet_nan = (bits >> 16) | 0x40U;
  return x == x ? rounded : quiet_nan;
}

/// x as the sum of two bfloat16 numbers: what is left of it, at most 2^-17 of it, is dropped. NaN and infinity have no
/// finite low part.
struct SplitBits {
  std::uint32_t high, low;
};

[[gnu::always_inline]] inline SplitBits split_bits(float x) {
  const std::uint32_t high = bf16_bits(x);
  return {high, bf16_bits(x - __builtin_bit_cast(float, high << 16))};
}

[[gnu::always_inline]] inline float rounded_to_bf16(float x) {
  return __builtin_bit_cast(float, bf16_bits(x) << 16);
}

}  // namespace charrnn
