// This file is compiled several times, each for another instruction set, with CHARRNN_KERNELS as the namespace. Outside
// that namespace it must not use anything from a header that could be compiled into a function of its own: the linker
// keeps one copy of such a function for the whole program, maybe one for a newer processor.
#include "models/native/kernels.hpp"

#include "base/loop_hints.hpp"
#include "base/random.hpp"
#include "models/native/bfloat16.hpp"
#include "models/native/cell_kernels.hpp"
#include "models/native/kernel_math.hpp"
#include "models/native/transpose_square.hpp"

namespace charrnn::CHARRNN_KERNELS {

namespace {

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
