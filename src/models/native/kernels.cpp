// This file is compiled several times, each for another instruction set, with CHARRNN_KERNELS as the
// namespace. It must not use anything from a header that could be compiled into a function of its own: the
// linker keeps one copy of such a function for the whole program, maybe one for a newer processor.
#include "models/native/kernels.hpp"

#include "base/random.hpp"
#include "models/native/bfloat16.hpp"
#include "models/native/transpose_square.hpp"

// CHARRNN_INDEPENDENT: the iterations of the next loop do not read what others write.
// CHARRNN_ROLLED: it stays a loop, else gcc first unrolls it and then finds nothing to vectorise.
#if defined(__clang__)
#define CHARRNN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define CHARRNN_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define CHARRNN_INDEPENDENT _Pragma("GCC ivdep")
#define CHARRNN_ROLLED _Pragma("GCC unroll 1")
#endif

namespace charrnn::CHARRNN_KERNELS {

namespace {

constexpr std::int64_t kLanes = 16;

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
constexpr std::int64_t kVectorSize = 16;
#elif defined(__AVX__)
constexpr std::int64_t kVectorSize = 8;
#else
constexpr std::int64_t kVectorSize = 4;
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

/// The gates of an LSTM's row, [units] each.
struct LstmGates {
  LstmGates(float* gates, std::int64_t units, std::int64_t row)
      : i(gates + (4 * units + kGateGap) * row), f(i + units), g(f + units), o(g + units) {}

  /// Products in, activations out; returns the new cell state.
  float activate(std::int64_t u, const float* add, std::int64_t units, float c_before) const {
    i[u] = sigmoid(i[u] + add[u]);
    f[u] = sigmoid(f[u] + add[units + u]);
    g[u] = hyperbolic_tangent(g[u] + add[2 * units + u]);
    o[u] = sigmoid(o[u] + add[3 * units + u]);
    return f[u] * c_before + i[u] * g[u];
  }
  /// All but the output gate: activations in, gradients out; returns the gradient of c_before.
  float differentiate(std::int64_t u, float dc, float c_before) const {
    const float in = i[u], forget = f[u], cell = g[u];
    i[u] = dc * cell * in * (1.0F - in);
    f[u] = dc * c_before * forget * (1.0F - forget);
    g[u] = dc * in * (1.0F - cell * cell);
    return dc * forget;
  }

  float *const i, *const f, *const g, *const o;
};

void lstm_forward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                  const float* const* addends, const float* c_before, float* c_after, float* h_after) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const add = addends[row];
    const LstmGates gate(gates, units, row);
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const float c = gate.activate(u, add, units, c_before[units * row + u]);
      c_after[units * row + u] = c;
      h_after[units * row + u] = gate.o[u] * hyperbolic_tangent(c);
    }
  }
}

void lstm_backward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                   const float* c_before, const float* c_after, const float* d_output, const float* d_h, float* d_c) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const LstmGates gate(gates, units, row);
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const std::int64_t at = units * row + u;
      const float out = gate.o[u];
      const float squashed = hyperbolic_tangent(c_after[at]);
      const float dh = d_output[at] + d_h[at];
      const float dc = d_c[at] + dh * out * (1.0F - squashed * squashed);
      gate.o[u] = dh * squashed * out * (1.0F - out);
      d_c[at] = gate.differentiate(u, dc, c_before[at]);
    }
  }
}

void norm_lstm_forward(std::int64_t rows, std::int64_t units, float* gates, const float* const* addends,
                       const CellNorm& norm, const float* c_before, float* c_after, float* h_after) {
  const auto hidden = static_cast<float>(norm.hidden);
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const add = addends[row];
    const LstmGates gate(gates, units, row);
    const float* const before = c_before + units * row;
    float *const c = c_after + units * row, *const h = h_after + units * row;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = 0; u < units; ++u) {
      c[u] = gate.activate(u, add, units, before[u]);
    }
    float* const normal = norm.normal + units * row;
    const float mean = sum_of(c, units) / hidden;  // c is zero in the padding
    CHARRNN_INDEPENDENT
    for (std::int64_t u = 0; u < units; ++u) {
      const float deviation = u < norm.hidden ? c[u] - mean : 0.0F;
      normal[u] = deviation;
      h[u] = deviation * deviation;
    }
    const float scale = 1.0F / __builtin_sqrtf(sum_of(h, units) / hidden + kNormEpsilon);
    norm.scales[row] = scale;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = 0; u < units; ++u) {
      normal[u] *= scale;
      h[u] = gate.o[u] * hyperbolic_tangent(norm.gain[u] * normal[u] + norm.bias[u]);
    }
  }
}

void norm_lstm_backward(std::int64_t rows, std::int64_t units, float* gates, const CellNorm& norm, float* d_scaled,
                        const float* c_before, const float* d_output, const float* d_h, float* d_c) {
  const auto hidden = static_cast<float>(norm.hidden);
  for (std::int64_t row = 0; row < rows; ++row) {
    const LstmGates gate(gates, units, row);
    const std::int64_t at = units * row;
    float *const normal = norm.normal + at, *const of_bias = d_scaled + at, *const dc = d_c + at;
    // Of the normalised state: the sum, and that of the products with it. Both are zero in the padding.
    float sums[kLanes] = {}, products[kLanes] = {};
    for (std::int64_t first = 0; first < units; first += kLanes) {
      CHARRNN_INDEPENDENT
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        const std::int64_t u = first + lane;
        const float squashed = hyperbolic_tangent(norm.gain[u] * normal[u] + norm.bias[u]);
        const float dh = d_output[at + u] + d_h[at + u], out = gate.o[u];
        of_bias[u] = dh * out * (1.0F - squashed * squashed);
        gate.o[u] = dh * squashed * out * (1.0F - out);
        const float d_normal = of_bias[u] * norm.gain[u];
        sums[lane] += d_normal;
        products[lane] += d_normal * normal[u];
      }
    }
    const float scale = norm.scales[row];
    const float mean = sum_of_lanes(sums) / hidden, along = sum_of_lanes(products) / hidden;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = 0; u < units; ++u) {
      const float through = of_bias[u] * norm.gain[u] - mean - normal[u] * along;
      const float d = u < norm.hidden ? dc[u] + scale * through : 0.0F;
      dc[u] = gate.differentiate(u, d, c_before[at + u]);
      normal[u] *= of_bias[u];
    }
  }
}

void gru_forward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                 float* hidden_new, const float* const* addends, const float* bias_hidden_new, const float* h_before,
                 float* h_after) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const add = addends[row];
    float* const r = gates + (3 * units + kGateGap) * row;
    float *const z = r + units, *const n = z + units;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const std::int64_t at = units * row + u;
      r[u] = sigmoid(r[u] + add[u]);
      z[u] = sigmoid(z[u] + add[units + u]);
      hidden_new[at] += bias_hidden_new[u];
      n[u] = hyperbolic_tangent(n[u] + add[2 * units + u] + r[u] * hidden_new[at]);
      h_after[at] = n[u] + z[u] * (h_before[at] - n[u]);
    }
  }
}

void gru_backward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                  float* hidden_new, const float* h_before, const float* d_output, float* d_h) {
  for (std::int64_t row = 0; row < rows; ++row) {
    float* const r = gates + (3 * units + kGateGap) * row;
    float *const z = r + units, *const n = z + units;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const std::int64_t at = units * row + u;
      const float reset = r[u], update = z[u], fresh = n[u];
      const float dh = d_output[at] + d_h[at];
      const float dn = dh * (1.0F - update) * (1.0F - fresh * fresh);
      r[u] = dn * hidden_new[at] * reset * (1.0F - reset);
      z[u] = dh * (h_before[at] - fresh) * update * (1.0F - update);
      n[u] = dn;
      hidden_new[at] = dn * reset;
      d_h[at] = dh * update;
    }
  }
}

void rnn_forward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, const float* gates,
                 const float* const* addends, float* h_after) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const add = addends[row];
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      h_after[units * row + u] = hyperbolic_tangent(gates[(units + kGateGap) * row + u] + add[u]);
    }
  }
}

void rnn_backward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                  const float* h_after, const float* d_output, const float* d_h) {
  for (std::int64_t row = 0; row < rows; ++row) {
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const std::int64_t at = units * row + u;
      gates[(units + kGateGap) * row + u] = (d_output[at] + d_h[at]) * (1.0F - h_after[at] * h_after[at]);
    }
  }
}

double softmax_loss(std::int64_t symbols, float* logits, const float* bias, std::int64_t target) {
  constexpr float kNone = -3.0e38F;  // of the padding: e^(that − largest) is zero
  const std::int64_t all = (symbols + kUnitBlock - 1) / kUnitBlock * kUnitBlock;
  CHARRNN_INDEPENDENT
  for (std::int64_t v = 0; v < symbols; ++v) logits[v] += bias[v];
  for (std::int64_t v = symbols; v < all; ++v) logits[v] = kNone;
  float of_lane[kLanes];
  for (std::int64_t lane = 0; lane < kLanes; ++lane) of_lane[lane] = logits[lane];
  for (std::int64_t v = kLanes; v < all; v += kLanes) {
    CHARRNN_ROLLED
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      of_lane[lane] = of_lane[lane] > logits[v + lane] ? of_lane[lane] : logits[v + lane];
    }
  }
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::int64_t lane = 0; lane < half; ++lane) {
      of_lane[lane] = of_lane[lane] > of_lane[lane + half] ? of_lane[lane] : of_lane[lane + half];
    }
  }
  const float top = of_lane[0], of_target = logits[target] - top;
  CHARRNN_INDEPENDENT
  for (std::int64_t v = 0; v < all; ++v) logits[v] = exponential(logits[v] - top);
  for (std::int64_t v = symbols; v < all; ++v) logits[v] = 0;
  const float sum = sum_of(logits, all);
  const float factor = 1.0F / sum;
  CHARRNN_INDEPENDENT
  for (std::int64_t v = 0; v < symbols; ++v) logits[v] *= factor;
  logits[target] -= 1.0F;
  return __builtin_log(static_cast<double>(sum)) - static_cast<double>(of_target);
}

void dropout(std::int64_t size, const std::uint32_t* key, const std::uint32_t* counter, std::uint32_t first,
             std::uint32_t threshold, float keep, float* mask) {
  constexpr std::int64_t kDraws = 8;  // of a block; kLanes blocks at once
  for (std::int64_t at = 0; at < size; at += kLanes * kDraws) {
    // base/random.hpp's philox(), of kLanes blocks.
    std::uint32_t a[kLanes], b[kLanes], c[kLanes], d[kLanes];
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      a[lane] = first + static_cast<std::uint32_t>(at / kDraws + lane);
      b[lane] = counter[1];
      c[lane] = counter[2];
      d[lane] = counter[3];
    }
    std::uint32_t key0 = key[0], key1 = key[1];
    for (int round = 0; round < kPhiloxRounds; ++round) {
      CHARRNN_ROLLED
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        philox_round(a[lane], b[lane], c[lane], d[lane], key0, key1);
      }
      key0 += kPhiloxKeyStep0;
      key1 += kPhiloxKeyStep1;
    }
    std::uint32_t words[4 * kLanes];
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      words[4 * lane] = a[lane];
      words[4 * lane + 1] = b[lane];
      words[4 * lane + 2] = c[lane];
      words[4 * lane + 3] = d[lane];
    }
    float values[kDraws * kLanes];
    for (std::int64_t i = 0; i < 4 * kLanes; ++i) {
      values[2 * i] = (words[i] & 0xFFFF) < threshold ? 0 : keep;
      values[2 * i + 1] = words[i] >> 16 < threshold ? 0 : keep;
    }
    const std::int64_t count = size - at < kDraws * kLanes ? size - at : kDraws * kLanes;
    for (std::int64_t i = 0; i < count; ++i) mask[at + i] = values[i];
  }
}

/// Numbers side by side, in as many vector registers as they need.
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

/// `rows` rows and `blocks` · 16 columns of multiply_few_rows(), whose sums stay in registers.
template <int rows, int blocks>
inline void multiply_block(std::int64_t depth, const float* a, std::int64_t a_stride, const float* b,
                           std::int64_t b_stride, float* c, std::int64_t c_stride, bool add) {
  Lanes sums[rows][blocks] = {};
  for (std::int64_t k = 0; k < depth; ++k) {
    for (int block = 0; block < blocks; ++block) {
      Lanes of_b;
      __builtin_memcpy(&of_b, b + k * b_stride + block * kLanes, sizeof(of_b));
      for (int row = 0; row < rows; ++row) sums[row][block] += a[row * a_stride + k] * of_b;
    }
  }
  for (int row = 0; row < rows; ++row) {
    for (int block = 0; block < blocks; ++block) {
      float* const to = c + row * c_stride + block * kLanes;
      Lanes sum = {};
      if (add) __builtin_memcpy(&sum, to, sizeof(sum));
      sum += sums[row][block];
      __builtin_memcpy(to, &sum, sizeof(sum));
    }
  }
}

template <int rows>
inline void multiply_rows(std::int64_t columns, std::int64_t depth, const float* a, std::int64_t a_stride,
                          const float* b, std::int64_t b_stride, float* c, std::int64_t c_stride, bool add) {
  std::int64_t at = 0;
  for (; at + 4 * kLanes <= columns; at += 4 * kLanes) {
    multiply_block<rows, 4>(depth, a, a_stride, b + at, b_stride, c + at, c_stride, add);
  }
  if (at < columns) multiply_block<rows, 2>(depth, a, a_stride, b + at, b_stride, c + at, c_stride, add);
}

void multiply_few_rows(std::int64_t rows, std::int64_t columns, std::int64_t depth, const float* a,
                       std::int64_t a_stride, const float* b, std::int64_t b_stride, float* c, std::int64_t c_stride,
                       bool add) {
#if defined(__AVX512F__)
  constexpr int kAtOnce = 4;  // as the registers have room for
#else
  constexpr int kAtOnce = 2;
#endif
  std::int64_t row = 0;
  for (; row + kAtOnce <= rows; row += kAtOnce) {
    multiply_rows<kAtOnce>(columns, depth, a + row * a_stride, a_stride, b, b_stride, c + row * c_stride, c_stride,
                           add);
  }
  for (; row < rows; ++row) {
    multiply_rows<1>(columns, depth, a + row * a_stride, a_stride, b, b_stride, c + row * c_stride, c_stride, add);
  }
}

void copy_rows(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride, float* to,
               std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const source = from + row * from_stride;
    float* const copy = to + row * to_stride;
    std::int64_t column = 0;
    // So many at once as a constant number: the compiler needs no call.
    for (; column + kUnitBlock <= columns; column += kUnitBlock) {
      __builtin_memcpy(copy + column, source + column, kUnitBlock * sizeof(float));
    }
    for (; column < columns; ++column) copy[column] = source[column];
  }
}

/// Of kVectorSize rows and columns.
inline void transpose_square(const float* const* from, std::int64_t first, float* to, std::int64_t to_stride) {
  Vector rows[kVectorSize];
  for (std::int64_t i = 0; i < kVectorSize; ++i) rows[i] = load(from[i] + first);
  charrnn::transpose_square(rows);
  for (std::int64_t i = 0; i < kVectorSize; ++i) __builtin_memcpy(to + i * to_stride, &rows[i], sizeof(Vector));
}

void transpose(std::int64_t rows, std::int64_t columns, const float* const* from, std::int64_t first, float* to,
               std::int64_t to_stride) {
  const std::int64_t whole_rows = rows / kVectorSize * kVectorSize;
  const std::int64_t whole_columns = columns / kVectorSize * kVectorSize;
  for (std::int64_t column = 0; column < whole_columns; column += kVectorSize) {
    for (std::int64_t row = 0; row < whole_rows; row += kVectorSize) {
      transpose_square(from + row, first + column, to + column * to_stride + row, to_stride);
    }
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t column = row < whole_rows ? whole_columns : 0; column < columns; ++column) {
      to[column * to_stride + row] = from[row][first + column];
    }
  }
}

void add(std::int64_t size, const float* from, float* to) {
  CHARRNN_INDEPENDENT
  for (std::int64_t i = 0; i < size; ++i) to[i] += from[i];
}

void add_column_sums(std::int64_t rows, std::int64_t columns, const float* const* from, std::int64_t first,
                     float* sums) {
  for (std::int64_t column = 0; column < columns; column += kVectorSize) {
    Vector of_lane[kLanes] = {};  // of every column
    std::int64_t row = 0;
    for (; row + kLanes <= rows; row += kLanes) {
      for (std::int64_t lane = 0; lane < kLanes; ++lane) of_lane[lane] += load(from[row + lane] + first + column);
    }
    for (; row < rows; ++row) of_lane[row % kLanes] += load(from[row] + first + column);
    const Vector sum = load(sums + column) + sum_of_lanes(of_lane);
    __builtin_memcpy(sums + column, &sum, sizeof(sum));
  }
}

void to_bf16(std::int64_t size, const float* from, std::uint16_t* to) {
  CHARRNN_INDEPENDENT
  for (std::int64_t i = 0; i < size; ++i) to[i] = static_cast<std::uint16_t>(bf16_bits(from[i]));
}

void to_bf16_pairs(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                   std::uint32_t* to, std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; row += 2) {
    const float *const even = from + row * from_stride, *const odd = even + from_stride;
    std::uint32_t* const pairs = to + row / 2 * to_stride;
    if (row + 1 < rows) {
      CHARRNN_INDEPENDENT
      for (std::int64_t i = 0; i < columns; ++i) pairs[i] = bf16_bits(even[i]) | bf16_bits(odd[i]) << 16;
    } else {
      CHARRNN_INDEPENDENT
      for (std::int64_t i = 0; i < columns; ++i) pairs[i] = bf16_bits(even[i]);
    }
  }
}

void split_to_bf16(std::int64_t size, const float* from, std::uint16_t* high, std::uint16_t* low) {
  CHARRNN_INDEPENDENT
  for (std::int64_t i = 0; i < size; ++i) {
    const SplitBits split = split_bits(from[i]);
    high[i] = static_cast<std::uint16_t>(split.high);
    low[i] = static_cast<std::uint16_t>(split.low);
  }
}

void split_to_bf16_pairs(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                         std::uint32_t* high, std::uint32_t* low, std::int64_t to_stride) {
  for (std::int64_t row = 0; row < rows; row += 2) {
    const float *const even = from + row * from_stride, *const odd = even + from_stride;
    std::uint32_t *const highs = high + row / 2 * to_stride, *const lows = low + row / 2 * to_stride;
    const bool is_pair = row + 1 < rows;
    CHARRNN_INDEPENDENT
    for (std::int64_t i = 0; i < columns; ++i) {
      const SplitBits first = split_bits(even[i]), second = split_bits(is_pair ? odd[i] : 0.0F);
      highs[i] = first.high | second.high << 16;
      lows[i] = first.low | second.low << 16;
    }
  }
}

void transpose_to_bf16(std::int64_t rows, std::int64_t columns, const float* const* from, std::int64_t first,
                       std::uint16_t* high, std::uint16_t* low, std::int64_t to_stride) {
  const std::int64_t all = (rows + 31) / 32 * 32;
  for (std::int64_t column = 0; column < columns; ++column) {
    for (std::int64_t row = 0; row < all; ++row) {
      const SplitBits split = split_bits(row < rows ? from[row][first + column] : 0.0F);
      high[column * to_stride + row] = static_cast<std::uint16_t>(split.high);
      if (low != nullptr) low[column * to_stride + row] = static_cast<std::uint16_t>(split.low);
    }
  }
}

void round_to_bf16(std::int64_t size, const float* from, float* to) {
  CHARRNN_INDEPENDENT
  for (std::int64_t i = 0; i < size; ++i) to[i] = rounded_to_bf16(from[i]);
}

float quantise_to_int8(std::int64_t size, const float* from, std::int8_t* to) {
  return quantise(size, from, kMostInt8, to);
}

float quantise_to_int16(std::int64_t size, const float* from, std::int16_t* to) {
  return quantise(size, from, kMostInt16, to);
}

void multiply_int8(std::int64_t rows, std::int64_t outputs, std::int64_t depth, ScaledRows<std::int16_t> a,
                   ScaledRows<std::int8_t> b, float* c, std::int64_t c_stride, bool add) {
  multiply_int8_rows(rows, outputs, depth, a, b, c, c_stride, add);
}

}  // namespace

extern const Kernels kKernels;
const Kernels kKernels = {CHARRNN_KERNELS_NAME,
                          lstm_forward,
                          lstm_backward,
                          norm_lstm_forward,
                          norm_lstm_backward,
                          gru_forward,
                          gru_backward,
                          rnn_forward,
                          rnn_backward,
                          softmax_loss,
                          dropout,
                          multiply_few_rows,
                          copy_rows,
                          transpose,
                          add,
                          add_column_sums,
                          to_bf16,
                          to_bf16_pairs,
                          split_to_bf16,
                          split_to_bf16_pairs,
                          transpose_to_bf16,
                          round_to_bf16,
                          quantise_to_int8,
                          quantise_to_int16,
                          multiply_int8};

}  // namespace charrnn::CHARRNN_KERNELS
