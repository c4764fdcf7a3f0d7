// Vectors, sums and the functions e^x, sigmoid and tanh, written so that loops over them become vector instructions.
// Compiled several times, as part of kernels.cpp and by its rules: each instruction set has functions of its own, in the
// namespace CHARRNN_KERNELS.
#pragma once

#include <cstdint>

namespace charrnn::CHARRNN_KERNELS {

inline constexpr std::int64_t kLanes = 16;

inline std::int32_t bits_of(float x) {
  return __builtin_bit_cast(std::int32_t, x);
}
inline float float_of(std::int32_t bits) {
  return __builtin_bit_cast(float, bits);
}

/// e^x = scale · (1 + rest): 2^n · e^r with |r| ≤ ln 2 / 2. Each to about one unit in the last place.
struct Exponential {
  float scale, rest;
};

/// -87 ≤ x ≤ 88, or NaN, which stays it.
inline Exponential split_exponential(float x) {
  constexpr float kLog2E = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 · 2^23: adding it leaves the nearest whole number
  const float shifted = x * kLog2E + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor's series, its last terms adjusted to the interval (Cephes' expf).
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  const std::int32_t exponent = bits_of(shifted) - bits_of(kRound);
  return {float_of((exponent + 127) << 23), p * r * r + r};
}

inline float exponential(float x) {
  x = x > 88.0F ? 88.0F : x;
  x = x < -87.0F ? -87.0F : x;
  const Exponential e = split_exponential(x);
  return e.scale * (e.rest + 1.0F);
}

/// As wide as the registers.
#if defined(__AVX512F__)
inline constexpr std::int64_t kVectorSize = 16;
#elif defined(__AVX__)
inline constexpr std::int64_t kVectorSize = 8;
#else
inline constexpr std::int64_t kVectorSize = 4;
#endif
using Vector [[gnu::vector_size(kVectorSize * sizeof(float))]] = float;

inline Vector load(const float* from) {
  Vector x;
  __builtin_memcpy(&x, from, sizeof(x));
  return x;
}

/// The sum of what the lanes hold, in pairs; they are lost.
template <class Number>
inline Number sum_of_lanes(Number* of_lane) {
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t lane = 0; lane < half; ++lane) of_lane[lane] += of_lane[lane + half];
  }
  return of_lane[0];
}

/// Of `size` numbers, a multiple of kLanes: lane by lane, then in pairs.
inline float sum_of(const float* x, std::int64_t size) {
  Vector sums[kLanes / kVectorSize] = {};
  for (std::int64_t i = 0; i < size; i += kLanes) {
    Vector vectors[kLanes / kVectorSize];
    __builtin_memcpy(vectors, x + i, sizeof(vectors));
    for (std::int64_t v = 0; v < kLanes / kVectorSize; ++v) sums[v] += vectors[v];
  }
  float of_lane[kLanes];
  __builtin_memcpy(of_lane, sums, sizeof(sums));
  return sum_of_lanes(of_lane);
}

inline float sigmoid(float x) {
  return 1.0F / (1.0F + exponential(-x));
}

/// To about two units in the last place. tanh |x| = m / (m + 2) with m = e^(2 |x|) - 1, of which no digits
/// are lost near zero: there scale is 1.
inline float hyperbolic_tangent(float x) {
  float twice = 2.0F * (x < 0 ? -x : x);
  twice = twice > 88.0F ? 88.0F : twice;
  const Exponential e = split_exponential(twice);
  const float m = e.scale * e.rest + (e.scale - 1.0F);
  return __builtin_copysignf(m / (m + 2.0F), x);
}

}  // namespace charrnn::CHARRNN_KERNELS
