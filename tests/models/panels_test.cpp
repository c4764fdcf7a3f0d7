// Products of the native engine against sums in double precision.
#include "models/native/panels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace charrnn {
namespace {

/// To eight significant bits, ties to even.
float to_eight_bits(float x) {
  int exponent = 0;
  const double mantissa = std::frexp(static_cast<double>(x), &exponent);
  return static_cast<float>(std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8));
}

float number(std::int64_t i) {
  return static_cast<float>(std::sin(12.9898 * static_cast<double>(i)));
}

class Products : public ::testing::TestWithParam<Precision> {
 protected:
  static float rounded(float x) { return GetParam() == Precision::kBf16 ? to_eight_bits(x) : x; }
  /// Of the sum of the terms' magnitudes: rounding of float32 sums; factors of two bfloat16 numbers are good to 2^-17,
  /// and the product of their low parts is left out.
  static double tolerance() { return GetParam() == Precision::kTf32 ? 0x1p-16 : 5e-7; }

  /// Of all panels.
  void check(std::int64_t rows, std::int64_t depth, std::int64_t columns, bool add) {
    check(rows, depth, columns, {0, padded(columns) / kPanelWidth}, add);
  }

  void check(std::int64_t rows, std::int64_t depth, std::int64_t columns, const Range& some, bool add) {
    SCOPED_TRACE(testing::Message() << rows << " x " << depth << " x " << columns << ", panels " << some.first << " to "
                                    << some.end() << (add ? ", added" : ""));
    const std::int64_t a_stride = depth + 3, c_stride = padded(columns) + 32;
    std::vector<float> a(static_cast<std::size_t>(rows * a_stride)),
        b(static_cast<std::size_t>(depth * padded(columns))), c(static_cast<std::size_t>(rows * c_stride), 7);
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = number(static_cast<std::int64_t>(i));
    for (std::int64_t k = 0; k < depth; ++k) {
      for (std::int64_t n = 0; n < columns; ++n) {
        b[static_cast<std::size_t>(k * padded(columns) + n)] = number(1000 + k * columns + n);
      }
    }
    Panels panels(GetParam());
    panels.resize(depth, columns);
    panels.pack_rows({b.data(), padded(columns), depth}, 0, {0, depth});
    LeftFactor({a.data(), a_stride, rows}, depth, panels)
        .multiply(c.data() + some.first * kPanelWidth, c_stride, add, panels, some);
    for (std::int64_t row = 0; row < rows; ++row) {
      for (std::int64_t n = 0; n < c_stride; ++n) {
        const bool is_worked = n / kPanelWidth >= some.first && n / kPanelWidth < some.end();
        double sum = add || !is_worked ? 7 : 0, magnitude = 7;
        for (std::int64_t k = 0; k < depth && n < columns && is_worked; ++k) {
          const double term = static_cast<double>(rounded(a[static_cast<std::size_t>(row * a_stride + k)])) *
                              rounded(b[static_cast<std::size_t>(k * padded(columns) + n)]);
          sum += term;
          magnitude += std::abs(term);
        }
        ASSERT_NEAR(c[static_cast<std::size_t>(row * c_stride + n)], sum, tolerance() * magnitude) << row << ", " << n;
      }
    }
  }
};

TEST_P(Products, AreThoseOfTheRoundedFactors) {
  for (const std::int64_t rows : {1, 5, 64, 65, 130}) {
    for (const std::int64_t depth : {1, 2, 33, 100}) check(rows, depth, 40, depth % 2 == 0);
  }
  check(7, 64, 32, true);
  check(7, 512, 1, false);
}

TEST_P(Products, AreTheSameBitsForFewRowsAndForMany) {
  constexpr std::int64_t kMany = 40;
  for (const std::int64_t depth : {1, 33, 100, 512, 700}) {
    for (const std::int64_t columns : {32, 64, 160}) {
      std::vector<float> a(static_cast<std::size_t>(kMany * depth)), b(static_cast<std::size_t>(depth * columns));
      for (std::size_t i = 0; i < a.size(); ++i) a[i] = number(static_cast<std::int64_t>(i));
      for (std::size_t i = 0; i < b.size(); ++i) b[i] = number(1000 + static_cast<std::int64_t>(i));
      Panels panels(GetParam());
      panels.resize(depth, columns);
      panels.pack_rows({b.data(), columns, depth}, 0, {0, depth});
      for (const bool add : {false, true}) {
        const auto product = [&](std::int64_t first, std::int64_t rows) {
          std::vector<float> c(static_cast<std::size_t>(rows * columns), 0.3F);
          LeftFactor({a.data() + first * depth, depth, rows}, depth, panels)
              .multiply(c.data(), columns, add, panels, {0, columns / kPanelWidth});
          return c;
        };
        const std::vector<float> all = product(0, kMany);
        for (std::int64_t rows = 1; rows <= kMany / 2; rows += 1 + rows / 8) {
          const auto from = all.begin() + 5 * columns;
          ASSERT_EQ(product(5, rows), std::vector<float>(from, from + rows * columns))
              << rows << " x " << depth << " x " << columns << (add ? ", added" : "");
        }
      }
    }
  }
}

TEST_P(Products, OfSomeOfManyPanels) {
  for (const std::int64_t depth : {2, 33}) {
    for (const Range some : {Range{0, 17}, {0, 1}, {3, 9}, {7, 2}, {8, 8}, {16, 1}, {9, 8}}) {
      check(5, depth, 520, some, some.first % 2 == 0);
    }
    check(3, depth, 256, false);
    check(3, depth, 300, true);
  }
}

TEST_P(Products, OfAPanelAreTheSameWithAndWithoutOthers) {
  constexpr std::int64_t kRows = 30, kDepth = 1300, kColumns = 11 * kPanelWidth;
  std::vector<float> a(kRows * kDepth), b(kDepth * kColumns), all(kRows * kColumns), one(all);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = number(static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = number(500 + static_cast<std::int64_t>(i));
  Panels panels(GetParam());
  panels.resize(kDepth, kColumns);
  panels.pack_rows({b.data(), kColumns, kDepth}, 0, {0, kDepth});
  const LeftFactor left({a.data(), kDepth, kRows}, kDepth, panels);
  left.multiply(all.data(), kColumns, false, panels, {0, panels.count()});
  for (std::int64_t p = 0; p < panels.count(); ++p) {
    left.multiply(one.data() + p * kPanelWidth, kColumns, false, panels, {p, 1});
  }
  EXPECT_EQ(one, all);
  if (GetParam() != Precision::kFp32) return;
  Panels as_it_lies;
  as_it_lies.view(b.data(), kColumns, kDepth, kColumns);
  left.multiply(one.data(), kColumns, false, as_it_lies, {0, panels.count()});
  EXPECT_EQ(one, all);
}

TEST_P(Products, OfBlocksAndOfSomeRows) {
  constexpr std::int64_t kBlocks = 3, kRows = 2, kApart = 5, kDepth = 6, kColumns = 32;
  std::vector<float> a(kBlocks * kApart * kDepth), b(kDepth * kColumns), blocks(kBlocks * kApart * kColumns),
      one(kRows * kColumns), upper(one), lower(one);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = number(static_cast<std::int64_t>(i));
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = number(500 + static_cast<std::int64_t>(i));
  Panels panels(GetParam());
  panels.resize(kDepth, kColumns);
  panels.pack_rows({b.data(), kColumns, kDepth}, 0, {0, kDepth});
  LeftFactor({a.data(), kDepth, kRows, kBlocks, kApart}, kDepth, panels)
      .multiply(blocks.data(), kColumns, false, panels, {0, 1});
  for (std::int64_t block = 0; block < kBlocks; ++block) {
    const float* from = a.data() + block * kApart * kDepth;
    LeftFactor({from, kDepth, kRows}, kDepth, panels).multiply(one.data(), kColumns, false, panels, {0, 1});
    // The same in two parts.
    LeftFactor({from, kDepth, kRows}, 4, panels).multiply(upper.data(), kColumns, false, panels, {0, 1});
    LeftFactor({from + 4, kDepth, kRows}, 2, panels).multiply(upper.data(), kColumns, true, panels, {0, 1}, 4);
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_EQ(blocks[static_cast<std::size_t>(block * kApart * kColumns) + i], one[i]);
      EXPECT_NEAR(upper[i], one[i], 1e-6);
    }
  }
}

TEST_P(Products, OfATransposeWithZerosBelow) {
  constexpr std::int64_t kFirst = 5, kColumns = 64;
  for (const std::int64_t rows : {1, 16, 33, 50, 700}) {
    for (const std::int64_t outputs : {16, 48}) {
      const std::int64_t depth = (rows + 15) / 16 * 16, a_stride = kFirst + outputs + 2;
      std::vector<float> a(static_cast<std::size_t>(rows * a_stride)), b(static_cast<std::size_t>(depth * kColumns)),
          c(static_cast<std::size_t>(outputs * kColumns), 7);
      for (std::size_t i = 0; i < a.size(); ++i) a[i] = number(static_cast<std::int64_t>(i));
      for (std::size_t i = 0; i < b.size(); ++i) b[i] = number(1000 + static_cast<std::int64_t>(i));
      std::vector<const float*> begins;  // in any order in memory
      for (std::int64_t row = 0; row < rows; ++row) begins.push_back(a.data() + (rows - 1 - row) * a_stride);
      Panels panels(GetParam());
      panels.resize(depth, kColumns);
      panels.pack_rows({b.data(), kColumns, depth}, 0, {0, depth});
      LeftFactor(begins, kFirst, outputs, depth, panels)
          .multiply(c.data(), kColumns, true, panels, {0, panels.count()});
      for (std::int64_t output = 0; output < outputs; ++output) {
        for (std::int64_t n = 0; n < kColumns; ++n) {
          double sum = 7, magnitude = 7;
          for (std::int64_t row = 0; row < rows; ++row) {
            const double term = static_cast<double>(rounded(begins[static_cast<std::size_t>(row)][kFirst + output])) *
                                static_cast<double>(rounded(b[static_cast<std::size_t>(row * kColumns + n)]));
            sum += term;
            magnitude += std::abs(term);
          }
          ASSERT_NEAR(c[static_cast<std::size_t>(output * kColumns + n)], sum, tolerance() * magnitude)
              << rows << " rows, " << outputs << " columns: " << output << ", " << n;
        }
      }
    }
  }
}

TEST_P(Products, KeepNanAndInfinity) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  Panels panels(GetParam());
  panels.resize(1, 32);
  const std::vector<float> ones(32, 1);
  panels.pack_rows({ones.data(), 32, 1}, 0, {0, 1});
  const float a[] = {kNan, kInf};
  std::vector<float> c(64);
  LeftFactor({a, 1, 2}, 1, panels).multiply(c.data(), 32, false, panels, {0, 1});
  EXPECT_TRUE(std::isnan(c[0]));
  if (GetParam() == Precision::kTf32) {  // infinity has no finite low part
    EXPECT_FALSE(std::isfinite(c[32]));
  } else {
    EXPECT_EQ(c[32], kInf);
  }
}

TEST_P(Products, OfTinyNumbersLoseNoMoreThanSubnormalOnes) {
  // Low parts of numbers near the smallest one are subnormal, and bfloat16 units take those for zero.
  constexpr std::int64_t kDepth = 50;
  std::vector<float> a(kDepth), b(kDepth * kPanelWidth), c(kPanelWidth);
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = std::ldexp(number(static_cast<std::int64_t>(i)), -118 - static_cast<int>(i % 10));
  }
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = number(500 + static_cast<std::int64_t>(i));
  Panels panels(GetParam());
  panels.resize(kDepth, kPanelWidth);
  panels.pack_rows({b.data(), kPanelWidth, kDepth}, 0, {0, kDepth});
  LeftFactor({a.data(), kDepth, 1}, kDepth, panels).multiply(c.data(), kPanelWidth, false, panels, {0, 1});
  for (std::size_t n = 0; n < c.size(); ++n) {
    double sum = 0, magnitude = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      const double term = static_cast<double>(rounded(a[k])) * static_cast<double>(rounded(b[k * kPanelWidth + n]));
      sum += term;
      magnitude += std::abs(term);
    }
    EXPECT_NEAR(c[n], sum, tolerance() * magnitude + kDepth * 0x1p-126) << n;
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, Products, ::testing::Values(Precision::kFp32, Precision::kTf32, Precision::kBf16),
                         [](const auto& one) {
                           return one.param == Precision::kBf16   ? "bf16"
                                  : one.param == Precision::kTf32 ? "tf32"
                                                                  : "fp32";
                         });

}  // namespace
}  // namespace charrnn
