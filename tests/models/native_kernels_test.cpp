// Every set of kernels that this processor can run, against the formulas in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "models/native/kernels.hpp"
#include "models/native/micro_kernel.hpp"

namespace charrnn {
namespace {

constexpr std::int64_t kRows = 3, kUnits = 64;

/// Numbers that look random, in [−size, size].
std::vector<float> numbers(std::int64_t count, double size, int start) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(size * std::sin(12.9898 * static_cast<double>(i) + 78.233 * start));
  }
  return values;
}

/// Begins of a matrix's rows.
std::vector<const float*> rows_of(const std::vector<float>& matrix, std::size_t count) {
  std::vector<const float*> rows;
  for (std::size_t row = 0; row < count; ++row) rows.push_back(matrix.data() + row * matrix.size() / count);
  return rows;
}

/// A matrix of gates, [rows, gates · kUnits] with kGateGap between rows.
std::vector<float> with_gaps(const std::vector<float>& gates) {
  const std::ptrdiff_t row = std::ssize(gates) / kRows;
  std::vector<float> spread(static_cast<std::size_t>(kRows * (row + kGateGap)));
  for (std::ptrdiff_t i = 0; i < kRows; ++i) {
    std::copy_n(gates.begin() + i * row, row, spread.begin() + i * (row + kGateGap));
  }
  return spread;
}

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

class NativeKernels : public ::testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& kernel_ = *GetParam();
};

TEST_P(NativeKernels, TanhIsExactToFloatAccuracy) {
  for (const float size : {1e-30F, 1e-4F, 0.1F, 0.7F, 3.0F, 20.0F, 200.0F}) {
    std::vector<float> x = numbers(kUnits, size, 1), zero(kUnits), y(kUnits);
    kernel_.rnn_forward(1, kUnits, 0, kUnits, x.data(), rows_of(zero, 1).data(), y.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = std::tanh(static_cast<double>(x[i]));
      EXPECT_NEAR(y[i], expected, 2.5e-7 * std::abs(expected)) << "tanh " << x[i];
    }
  }
}

TEST_P(NativeKernels, NanStaysNan) {
  std::vector<float> x(kUnits, std::numeric_limits<float>::quiet_NaN()), zero(kUnits), y(kUnits);
  kernel_.rnn_forward(1, kUnits, 0, kUnits, x.data(), rows_of(zero, 1).data(), y.data());
  for (const float value : y) EXPECT_TRUE(std::isnan(value));
  EXPECT_TRUE(std::isnan(kernel_.softmax_loss(50, x.data(), zero.data(), 3)));
}

TEST_P(NativeKernels, Lstm) {
  const std::vector<float> before = numbers(kRows * 4 * kUnits, 4, 1), added = numbers(kRows * 4 * kUnits, 1, 2),
                           c0 = numbers(kRows * kUnits, 2, 3), dy = numbers(kRows * kUnits, 1, 4),
                           dh = numbers(kRows * kUnits, 1, 5), dc1 = numbers(kRows * kUnits, 1, 6);
  std::vector<float> gates = with_gaps(before), c1(c0.size()), h1(c0.size()), dc = dc1;
  for (const std::int64_t first : {kUnits / 2, std::int64_t{0}}) {
    kernel_.lstm_forward(kRows, kUnits, first, kUnits / 2, gates.data(), rows_of(added, kRows).data(), c0.data(),
                         c1.data(), h1.data());
    kernel_.lstm_backward(kRows, kUnits, first, kUnits / 2, gates.data(), c0.data(), c1.data(), dy.data(), dh.data(),
                          dc.data());
  }
  for (std::size_t at = 0; at < c0.size(); ++at) {
    const std::size_t row = at / kUnits, u = at % kUnits;
    const auto input = [&](std::size_t gate) {
      const std::size_t place = (row * 4 + gate) * kUnits + u;
      return static_cast<double>(before[place]) + added[place];
    };
    const double i = sigmoid(input(0)), f = sigmoid(input(1)), g = std::tanh(input(2)), o = sigmoid(input(3));
    const double c = f * c0[at] + i * g, t = std::tanh(c);
    EXPECT_NEAR(c1[at], c, 1e-6);
    EXPECT_NEAR(h1[at], o * t, 1e-6);
    const double d_h = static_cast<double>(dy[at]) + dh[at], d_c = dc1[at] + d_h * o * (1 - t * t);
    const double expected[] = {d_c * g * i * (1 - i), d_c * c0[at] * f * (1 - f), d_c * i * (1 - g * g),
                               d_h * t * o * (1 - o)};
    for (std::size_t gate = 0; gate < 4; ++gate) {
      EXPECT_NEAR(gates[(row * 4 + gate) * kUnits + row * kGateGap + u], expected[gate], 2e-6) << "gate " << gate;
    }
    EXPECT_NEAR(dc[at], d_c * f, 2e-6);
  }
}

TEST_P(NativeKernels, Gru) {
  const std::vector<float> before = numbers(kRows * 3 * kUnits, 4, 1), added = numbers(kRows * 3 * kUnits, 1, 2),
                           hidden = numbers(kRows * kUnits, 2, 3), bias_hidden = numbers(kUnits, 1, 4),
                           h0 = numbers(kRows * kUnits, 1, 5), dy = numbers(kRows * kUnits, 1, 6),
                           dh1 = numbers(kRows * kUnits, 1, 7);
  std::vector<float> gates = with_gaps(before), q = hidden, h1(h0.size()), dh = dh1;
  for (const std::int64_t first : {kUnits / 2, std::int64_t{0}}) {
    kernel_.gru_forward(kRows, kUnits, first, kUnits / 2, gates.data(), q.data(), rows_of(added, kRows).data(),
                        bias_hidden.data(), h0.data(), h1.data());
    kernel_.gru_backward(kRows, kUnits, first, kUnits / 2, gates.data(), q.data(), h0.data(), dy.data(), dh.data());
  }
  for (std::size_t at = 0; at < h0.size(); ++at) {
    const std::size_t row = at / kUnits, u = at % kUnits;
    const auto input = [&](std::size_t gate) {
      const std::size_t place = (row * 3 + gate) * kUnits + u;
      return static_cast<double>(before[place]) + added[place];
    };
    const double of_hidden = static_cast<double>(hidden[at]) + bias_hidden[u];
    const double r = sigmoid(input(0)), z = sigmoid(input(1)), n = std::tanh(input(2) + r * of_hidden);
    EXPECT_NEAR(h1[at], (1 - z) * n + z * h0[at], 1e-6);
    const double d = static_cast<double>(dy[at]) + dh1[at], dn = d * (1 - z) * (1 - n * n);
    const double expected[] = {dn * of_hidden * r * (1 - r), d * (h0[at] - n) * z * (1 - z), dn};
    for (std::size_t gate = 0; gate < 3; ++gate) {
      EXPECT_NEAR(gates[(row * 3 + gate) * kUnits + row * kGateGap + u], expected[gate], 2e-6) << "gate " << gate;
    }
    EXPECT_NEAR(q[at], dn * r, 2e-6);
    EXPECT_NEAR(dh[at], d * z, 2e-6);
  }
}

TEST_P(NativeKernels, SoftmaxLoss) {
  for (const std::int64_t symbols : {1, 31, 56, 96, 256}) {
    for (const double size : {1.0, 30.0, 300.0}) {
      const std::int64_t target = symbols / 2;
      const std::vector<float> before = numbers(padded(symbols), size, 1), bias = numbers(symbols, 1, 2);
      std::vector<float> logits = before;
      const double loss = kernel_.softmax_loss(symbols, logits.data(), bias.data(), target);
      std::vector<double> x(static_cast<std::size_t>(symbols));
      for (std::size_t v = 0; v < x.size(); ++v) x[v] = static_cast<double>(before[v] + bias[v]);
      double sum = 0;
      for (const double value : x) sum += std::exp(value - x[static_cast<std::size_t>(target)]);
      EXPECT_NEAR(loss, std::log(sum), 1e-6 * (1 + std::log(sum)));
      for (std::size_t v = 0; v < x.size(); ++v) {
        const bool is_target = static_cast<std::int64_t>(v) == target;
        const double p = std::exp(x[v] - x[static_cast<std::size_t>(target)]) / sum;
        EXPECT_NEAR(logits[v], p - (is_target ? 1 : 0), 1e-6) << symbols << " symbols, " << v;
      }
      for (std::size_t v = x.size(); v < logits.size(); ++v) EXPECT_EQ(logits[v], 0);
    }
  }
}

TEST_P(NativeKernels, DropoutFollowsTheStreamsDraws) {
  const RandomStream stream(3, Purpose::kDropout, 5, 7);
  for (const std::int64_t size : {1, 8, 33, 300}) {
    std::vector<float> mask(static_cast<std::size_t>(size) + 1, -1);
    kernel_.dropout(size, stream.key().data(), stream.counter().data(), 11, 20000, 1.5F, mask.data());
    for (std::size_t i = 0; i + 1 < mask.size(); ++i) {
      const std::uint32_t word = stream.block(static_cast<std::uint32_t>(11 + i / 8))[i % 8 / 2];
      EXPECT_EQ(mask[i], (word >> (i % 2 * 16) & 0xFFFF) < 20000 ? 0 : 1.5F) << i << " of " << size;
    }
    EXPECT_EQ(mask.back(), -1);
  }
}

TEST_P(NativeKernels, Transpose) {
  for (const std::int64_t rows : {1, 15, 16, 40}) {
    for (const std::int64_t columns : {3, 32, 49}) {
      const std::int64_t from_stride = columns + 2, to_stride = rows + 1;
      const std::vector<float> from = numbers(rows * from_stride, 1, 1);
      std::vector<float> to(static_cast<std::size_t>(columns * to_stride), 9);
      kernel_.transpose(rows, columns, rows_of(from, static_cast<std::size_t>(rows)).data(), 1, to.data(), to_stride);
      for (std::int64_t at = 0; at < columns * to_stride; ++at) {
        const std::int64_t row = at % to_stride, column = at / to_stride;
        const float expected = row < rows ? from[static_cast<std::size_t>(row * from_stride + 1 + column)] : 9;
        ASSERT_EQ(to[static_cast<std::size_t>(at)], expected) << rows << " x " << columns << ": " << at;
      }
    }
  }
}

TEST_P(NativeKernels, CopiesAndAddsRows) {
  constexpr std::int64_t kStride = 70;
  const std::vector<float> from = numbers(kRows * kStride, 1, 1);
  std::vector<float> copy(kRows * 64, 9);
  kernel_.copy_rows(kRows, 45, from.data(), kStride, copy.data(), 64);
  kernel_.add(64, from.data(), copy.data());
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t i = 0; i < 64; ++i) {
      EXPECT_EQ(copy[row * 64 + i], (i < 45 ? from[row * kStride + i] : 9) + (row == 0 ? from[i] : 0))
          << row << ", " << i;
    }
  }
}

TEST_P(NativeKernels, SumsOfColumns) {
  constexpr std::int64_t kStride = 70;
  for (const std::int64_t rows : {1, 15, 16, 53}) {
    const std::vector<float> from = numbers(rows * kStride, 1, 1);
    std::vector<float> sums(49, 1);
    kernel_.add_column_sums(rows, 48, rows_of(from, static_cast<std::size_t>(rows)).data(), 2, sums.data());
    for (std::size_t column = 0; column < 48; ++column) {
      double sum = 1;
      for (std::size_t at = column + 2; at < from.size(); at += kStride) sum += static_cast<double>(from[at]);
      EXPECT_NEAR(sums[column], sum, 1e-5) << rows << " rows: " << column;
    }
    EXPECT_EQ(sums[48], 1);
  }
}

/// The nearest number whose lower 16 bits are zero, by its distance; of two the one with an even upper half.
std::uint16_t nearest_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto down = static_cast<std::uint16_t>(bits >> 16), up = static_cast<std::uint16_t>(down + 1);
  const auto distance = [&](std::uint16_t half) {
    return std::abs(static_cast<double>(std::bit_cast<float>(std::uint32_t{half} << 16)) - static_cast<double>(x));
  };
  if (distance(down) != distance(up)) return distance(down) < distance(up) ? down : up;
  return down % 2 == 0 ? down : up;
}

TEST_P(NativeKernels, ConversionsToBfloat16) {
  constexpr std::uint16_t kUntouched = 77;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> from = numbers(4 * 50, 3, 1);
  const std::vector<std::pair<float, std::uint16_t>> known = {
      {1.0F, 0x3F80},     {-1.0F, 0xBF80}, {1 + 0x1p-8F, 0x3F80},     {1 + 0x3p-8F, 0x3F82}, {1 + 0x1.8p-8F, 0x3F81},
      {0.0F, 0},          {-0.0F, 0x8000}, {0x1.fffffep127F, 0x7F80}, {kInfinity, 0x7F80},   {-kInfinity, 0xFF80},
      {0x1p-126F, 0x0080}};
  std::vector<std::uint16_t> expected;
  std::ranges::transform(from, std::back_inserter(expected), nearest_bf16);
  for (std::size_t i = 0; i < known.size(); ++i) std::tie(from[7 * i], expected[7 * i]) = known[i];
  for (const std::size_t size : {1U, 15U, 16U, 17U, 32U, 50U}) {
    std::vector<std::uint16_t> halves(from.size(), kUntouched);
    kernel_.to_bf16(static_cast<std::int64_t>(size), from.data(), halves.data());
    for (std::size_t i = 0; i < halves.size(); ++i) {
      EXPECT_EQ(halves[i], i < size ? expected[i] : kUntouched) << i << " of " << size;
    }
    for (const std::size_t rows : {1U, 2U, 3U, 4U}) {
      std::vector<std::uint32_t> pairs(3 * 60, kUntouched);
      kernel_.to_bf16_pairs(static_cast<std::int64_t>(rows), static_cast<std::int64_t>(size), from.data(), 50,
                            pairs.data(), 60);
      for (std::size_t i = 0; i < pairs.size(); ++i) {
        const std::size_t row = i / 60 * 2, column = i % 60;
        const auto half = [&](std::size_t r) -> std::uint32_t { return r < rows ? expected[r * 50 + column] : 0; };
        const bool is_written = row < rows && column < size;
        EXPECT_EQ(pairs[i], is_written ? half(row) | half(row + 1) << 16 : kUntouched) << rows << " rows: " << i;
      }
    }
  }
  float nan = std::numeric_limits<float>::quiet_NaN();
  std::uint16_t half = 0;
  kernel_.to_bf16(1, &nan, &half);
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(std::uint32_t{half} << 16)));
}

TEST_P(NativeKernels, SumsOfTwoBfloat16Numbers) {
  constexpr std::uint16_t kUntouched = 77;
  std::vector<float> from = numbers(4 * 50, 3, 1);
  from[3] = 0;
  from[9] = 1 + 0x1p-8F;  // a tie
  from[11] = -0x1.23456p40F;
  from[20] = 0x1.0101p-100F;
  std::vector<std::uint16_t> high, low;
  for (const float x : from) {
    high.push_back(nearest_bf16(x));
    low.push_back(nearest_bf16(x - std::bit_cast<float>(std::uint32_t{high.back()} << 16)));
  }
  for (const std::size_t size : {1U, 15U, 16U, 17U, 32U, 50U}) {
    std::vector<std::uint16_t> highs(from.size(), kUntouched), lows(highs);
    kernel_.split_to_bf16(static_cast<std::int64_t>(size), from.data(), highs.data(), lows.data());
    for (std::size_t i = 0; i < highs.size(); ++i) {
      EXPECT_EQ(highs[i], i < size ? high[i] : kUntouched) << i << " of " << size;
      EXPECT_EQ(lows[i], i < size ? low[i] : kUntouched) << i << " of " << size;
    }
    for (const std::size_t rows : {1U, 2U, 3U, 4U}) {
      std::vector<std::uint32_t> high_pairs(3 * 60, kUntouched), low_pairs(high_pairs);
      kernel_.split_to_bf16_pairs(static_cast<std::int64_t>(rows), static_cast<std::int64_t>(size), from.data(), 50,
                                  high_pairs.data(), low_pairs.data(), 60);
      for (std::size_t i = 0; i < high_pairs.size(); ++i) {
        const std::size_t row = i / 60 * 2, column = i % 60;
        const bool is_written = row < rows && column < size;
        const auto pair = [&](const std::vector<std::uint16_t>& halves) -> std::uint32_t {
          const auto half = [&](std::size_t r) -> std::uint32_t { return r < rows ? halves[r * 50 + column] : 0; };
          return is_written ? half(row) | half(row + 1) << 16 : kUntouched;
        };
        EXPECT_EQ(high_pairs[i], pair(high)) << rows << " rows: " << i;
        EXPECT_EQ(low_pairs[i], pair(low)) << rows << " rows: " << i;
      }
    }
  }
  float nan = std::numeric_limits<float>::quiet_NaN();
  std::uint16_t of_nan = 0, rest = 0;
  kernel_.split_to_bf16(1, &nan, &of_nan, &rest);
  EXPECT_TRUE(std::isnan(std::bit_cast<float>(std::uint32_t{of_nan} << 16)));
}

TEST_P(NativeKernels, TransposesToBfloat16) {
  constexpr std::uint16_t kUntouched = 77;
  for (const std::int64_t rows : {1, 16, 31, 32, 65}) {
    const std::int64_t all = (rows + 31) / 32 * 32, from_stride = 51, to_stride = all + 3;
    const std::vector<float> from = numbers(rows * from_stride, 3, 1);
    const std::vector<const float*> found = rows_of(from, static_cast<std::size_t>(rows));
    for (const bool splits : {false, true}) {
      std::vector<std::uint16_t> high(static_cast<std::size_t>(48 * to_stride), kUntouched), low(high);
      kernel_.transpose_to_bf16(rows, 48, found.data(), 2, high.data(), splits ? low.data() : nullptr, to_stride);
      for (std::size_t at = 0; at < high.size(); ++at) {
        const std::int64_t row = static_cast<std::int64_t>(at) % to_stride,
                           column = static_cast<std::int64_t>(at) / to_stride;
        const float x = row < rows ? from[static_cast<std::size_t>(row * from_stride + 2 + column)] : 0;
        const std::uint16_t nearest = nearest_bf16(x);
        const std::uint16_t rest = nearest_bf16(x - std::bit_cast<float>(std::uint32_t{nearest} << 16));
        ASSERT_EQ(high[at], row < all ? nearest : kUntouched) << rows << " rows: " << at;
        ASSERT_EQ(low[at], row < all && splits ? rest : kUntouched) << rows << " rows: " << at;
      }
    }
  }
}

TEST_P(NativeKernels, QuantiseToTheNearestInteger) {
  for (const double size : {1e-20, 0.3, 1e20}) {
    std::vector<float> x = numbers(77, size, 1);
    std::vector<std::int16_t> to(x.size());
    const double scale = kernel_.quantise_to_int16(std::ssize(x), x.data(), to.data());
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(to[i], x[i] / scale, 0.51);
    EXPECT_EQ(std::abs(std::ranges::max(to, {}, [](int y) { return std::abs(y); })), 32767);
    std::vector<std::int8_t> bytes(x.size());
    const double wide = kernel_.quantise_to_int8(std::ssize(x), x.data(), bytes.data());
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(bytes[i], x[i] / wide, 0.5001);
  }
}

TEST_P(NativeKernels, SumsOfIntegersAreExact) {
  constexpr std::int64_t kOutputs = 32, kStride = kInt8Depth + 32;
  std::vector<std::int8_t> b(kOutputs * kStride);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::int8_t>(i % 3 == 0 ? 127 : -127 + i * 7 % 255);
  const std::vector<float> a_scales(9, 0.5F), b_scales(kOutputs, 2);
  for (const std::int64_t rows : {1, 4, 9}) {
    std::vector<std::int16_t> a(static_cast<std::size_t>(rows * kStride));
    for (std::size_t i = 0; i < a.size(); ++i) {
      // The first row, with output 0 alone of the largest numbers, comes as far as 32 bits go.
      a[i] =
          static_cast<std::int16_t>(i < kInt8Depth || i % 5 == 0 ? 32767 : -32767 + static_cast<int>(i * 1013 % 65535));
    }
    std::fill_n(b.begin(), kInt8Depth, std::int8_t{127});
    std::vector<float> c(static_cast<std::size_t>(rows * kOutputs));
    kernel_.multiply_int8(rows, kOutputs, kInt8Depth, {a.data(), kStride, a_scales.data()},
                          {b.data(), kStride, b_scales.data()}, c.data(), kOutputs, false);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t n = 0; n < kOutputs; ++n) {
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < kInt8Depth; ++i) {
          sum += std::int64_t{a[static_cast<std::size_t>(row * kStride + i)]} *
                 b[static_cast<std::size_t>(n * kStride + i)];
        }
        EXPECT_EQ(c[static_cast<std::size_t>(row * kOutputs + n)], static_cast<float>(sum)) << row << ", " << n;
      }
    }
  }
}

TEST_P(NativeKernels, ProductsOfFewRowsAreTheSums) {
  constexpr std::int64_t kApart = 5, kGap = 7;  // floats between rows
  constexpr float kUntouched = 9;
  for (const std::int64_t columns : {32, 64, 96, 160}) {
    for (const std::int64_t depth : {1, 2, 33, 300}) {
      const std::int64_t a_stride = depth + kApart, b_stride = columns + kGap, c_stride = columns + kApart;
      const std::vector<float> a = numbers(kFewRows * a_stride, 1, 1), b = numbers(depth * b_stride, 1, 2);
      for (std::int64_t rows = 1; rows <= kFewRows; ++rows) {
        for (const bool add : {false, true}) {
          std::vector<float> c(static_cast<std::size_t>((rows + 1) * c_stride), kUntouched);
          kernel_.multiply_few_rows(rows, columns, depth, a.data(), a_stride, b.data(), b_stride, c.data(), c_stride,
                                    add);
          for (std::int64_t row = 0; row <= rows; ++row) {
            for (std::int64_t n = 0; n < c_stride; ++n) {
              const bool is_product = row < rows && n < columns;
              double sum = add || !is_product ? kUntouched : 0, magnitude = sum;
              for (std::int64_t k = 0; is_product && k < depth; ++k) {
                const double term = static_cast<double>(a[static_cast<std::size_t>(row * a_stride + k)]) *
                                    static_cast<double>(b[static_cast<std::size_t>(k * b_stride + n)]);
                sum += term;
                magnitude += std::abs(term);
              }
              // Every addition and multiplication rounds once.
              const double most = is_product ? 0x1p-24 * static_cast<double>(depth + 1) * magnitude : 0;
              ASSERT_NEAR(c[static_cast<std::size_t>(row * c_stride + n)], sum, most)
                  << rows << " x " << depth << " x " << columns << (add ? ", added: " : ": ") << row << ", " << n;
            }
          }
        }
      }
    }
  }
}

TEST_P(NativeKernels, ProductsOfIntegersHaveTheBitsOfAllOtherKernels) {
  constexpr std::int64_t kOutputs = 32, kDepth = 192, kSeven = 7;
  std::vector<std::int8_t> b(kOutputs * kDepth);
  std::vector<std::int16_t> a(kSeven * kDepth);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::int8_t>(i * 37 % 255 - 127);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::int16_t>(i * 1013 % 65535 - 32767);
  const std::vector<float> a_scales = numbers(kSeven, 1e-4, 1), b_scales = numbers(kOutputs, 1e-3, 2);
  const auto products = [&](const Kernels& kernel, std::int64_t rows) {
    std::vector<float> c = numbers(kSeven * kOutputs, 1, 3);
    for (std::int64_t row = 0; row < kSeven; row += rows) {
      kernel.multiply_int8(std::min(rows, kSeven - row), kOutputs, kDepth,
                           {a.data() + row * kDepth, kDepth, a_scales.data() + row},
                           {b.data(), kDepth, b_scales.data()}, c.data() + row * kOutputs, kOutputs, true);
    }
    return c;
  };
  const std::vector<float> expected = products(*runnable_kernels().front(), kSeven);
  EXPECT_EQ(products(kernel_, kSeven), expected);
  EXPECT_EQ(products(kernel_, 1), expected);
}

INSTANTIATE_TEST_SUITE_P(All, NativeKernels, ::testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& one) { return std::string(one.param->name); });

}  // namespace
}  // namespace charrnn
