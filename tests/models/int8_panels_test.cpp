// Products with weights of 8 bits, against sums in double precision of the numbers that the integers stand for.
#include "models/native/int8_panels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "models/native/panels.hpp"

namespace charrnn {
namespace {

float number(std::int64_t i) {
  return static_cast<float>(std::sin(12.9898 * static_cast<double>(i)) * (1 + static_cast<double>(i % 7)));
}

std::vector<float> numbers(std::int64_t count, std::int64_t start) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = number(start + i);
  return values;
}

/// The largest magnitude among `count` numbers, over `most`, is what an integer's step is worth.
double step(const float* from, std::int64_t count, double most) {
  double largest = 0;
  for (std::int64_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(static_cast<double>(from[i])));
  return largest / most;
}

/// The transpose of b [columns, depth].
Panels packed(const std::vector<float>& b, std::int64_t depth, std::int64_t columns) {
  Panels panels(Precision::kInt8);
  panels.resize(depth, columns);
  for (std::int64_t p = 0; p < panels.count(); ++p) {
    panels.set_transposed(p, 0, depth, std::min(kPanelWidth, columns - p * kPanelWidth),
                          b.data() + p * kPanelWidth * depth, depth);
  }
  return panels;
}

/// b's number as an integer and its column's scale have it.
double rounded(const Panels& panels, std::int64_t column, std::int64_t k) {
  const auto b = panels.int8().columns(0, 0);
  return static_cast<double>(b.first[column * b.stride + k]) * static_cast<double>(b.scales[column]);
}

TEST(Int8Panels, RoundEachColumnToTheNearestOf255Steps) {
  constexpr std::int64_t kDepth = 100, kColumns = 40;
  const std::vector<float> b = numbers(kDepth * kColumns, 3);
  const Panels panels = packed(b, kDepth, kColumns);
  for (std::int64_t column = 0; column < kColumns; ++column) {
    const float* const from = b.data() + column * kDepth;
    const double one = step(from, kDepth, 127);
    double largest = 0;
    for (std::int64_t k = 0; k < kDepth; ++k) {
      EXPECT_NEAR(rounded(panels, column, k), from[k], one * 0.5001);
      largest = std::max(largest, std::abs(rounded(panels, column, k)));
    }
    EXPECT_NEAR(largest, one * 127, one * 1e-4);
  }
}

TEST(Int8Panels, ProductsAreThoseOfTheRoundedFactors) {
  for (const std::int64_t rows : {1, 3, 4, 9}) {
    for (const std::int64_t depth : {1, 33, 64, 512, 513, 1300}) {
      const bool add = rows % 2 == 0;
      constexpr std::int64_t kColumns = 70, kStride = 3 * kPanelWidth + 5;
      const Range some{1, 2};
      const std::vector<float> a = numbers(rows * (depth + 3), 1), b = numbers(depth * kColumns, 500);
      const Panels panels = packed(b, depth, kColumns);
      std::vector<float> c(static_cast<std::size_t>(rows * kStride), 7);
      LeftFactor({a.data(), depth + 3, rows}, depth, panels)
          .multiply(c.data() + kPanelWidth, kStride, add, panels, some);
      for (std::int64_t row = 0; row < rows; ++row) {
        const float* const left = a.data() + row * (depth + 3);
        for (std::int64_t n = 0; n < kStride; ++n) {
          const bool is_worked = n >= kPanelWidth && n < 3 * kPanelWidth;
          double sum = add || !is_worked ? 7 : 0, weight = 0;
          for (std::int64_t k = 0; is_worked && n < kColumns && k < depth; ++k) {
            sum += static_cast<double>(left[k]) * rounded(panels, n, k);
            weight += std::abs(rounded(panels, n, k));
          }
          ASSERT_NEAR(c[static_cast<std::size_t>(row * kStride + n)], sum,
                      weight * step(left, depth, 32767) * 0.51 + 1e-6 * (7 + weight))
              << rows << " x " << depth << ": " << row << ", " << n;
        }
      }
    }
  }
}

TEST(Int8Panels, ARowsProductsDoNotDependOnTheOthers) {
  constexpr std::int64_t kBlocks = 3, kRows = 5, kApart = 7, kDepth = 600, kColumns = 3 * kPanelWidth;
  const std::vector<float> a = numbers(kBlocks * kApart * kDepth, 1), b = numbers(kDepth * kColumns, 500);
  const Panels panels = packed(b, kDepth, kColumns);
  std::vector<float> all(kBlocks * kApart * kColumns), one(kColumns);
  LeftFactor({a.data(), kDepth, kRows, kBlocks, kApart}, kDepth, panels)
      .multiply(all.data(), kColumns, false, panels, {0, 3});
  for (std::int64_t block = 0; block < kBlocks; ++block) {
    for (std::int64_t row = block * kApart; row < block * kApart + kRows; ++row) {
      for (std::int64_t p = 0; p < 3; ++p) {
        LeftFactor({a.data() + row * kDepth, kDepth, 1}, kDepth, panels)
            .multiply(one.data() + p * kPanelWidth, kColumns, false, panels, {p, 1});
      }
      EXPECT_EQ(one, std::vector<float>(all.begin() + row * kColumns, all.begin() + (row + 1) * kColumns));
    }
  }
}

TEST(Int8Panels, ZerosStayZeroAndWhatIsNotFiniteSpoilsAllOfItsRow) {
  constexpr std::int64_t kDepth = 40;
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  std::vector<float> a(3 * kDepth, 1), b(kPanelWidth * kDepth, 1), c(3 * kPanelWidth);
  std::fill_n(a.begin(), kDepth, 0.0F);
  a[kDepth + 5] = kNan;
  b[2 * kDepth + 30] = kInf;
  std::fill_n(b.begin() + 3 * kDepth, kDepth, 0.0F);
  const Panels panels = packed(b, kDepth, kPanelWidth);
  LeftFactor({a.data(), kDepth, 3}, kDepth, panels).multiply(c.data(), kPanelWidth, false, panels, {0, 1});
  for (std::int64_t n = 0; n < kPanelWidth; ++n) {
    const auto at = static_cast<std::size_t>(n);
    if (n == 2) {
      EXPECT_TRUE(std::isnan(c[at]));
      EXPECT_TRUE(std::isnan(c[2 * kPanelWidth + at]));
    } else {
      EXPECT_EQ(c[at], 0);
      EXPECT_NEAR(c[2 * kPanelWidth + at], n == 3 ? 0 : kDepth, 1e-4);
    }
    EXPECT_TRUE(std::isnan(c[kPanelWidth + at]));
  }
}

}  // namespace
}  // namespace charrnn
