// Against gradients drawn from a known distribution.
#include "train/noise_scale.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>
#include <span>
#include <vector>

namespace charrnn {
namespace {

/// Of one column.
using Gradient = std::array<double, 6>;
constexpr Gradient kMean{0.3, -0.2, 0, 0.1, 0.4, -0.1}, kDeviation{1, 0.5, 2, 0.25, 1.5, 1};

double squared(const Gradient& g) {
  double sum = 0;
  for (const double x : g) sum += x * x;
  return sum;
}

void add(Gradient& to, const Gradient& more) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += more[i];
}

/// A step's estimate, from parts of so many columns.
template <class Draw>
GradientMoments step_of(std::span<const int> parts, const Draw& draw) {
  PartSquares squares;
  Gradient all{};
  for (const int columns : parts) {
    Gradient part{};
    for (int i = 0; i < columns; ++i) add(part, draw());
    squares.columns += columns;
    squares.columns_squared += columns * columns;
    squares.squares += squared(part);
    add(all, part);
  }
  return gradient_moments(squares, squared(all));
}

/// The mean of many numbers, and how far it may be from the truth: five standard errors.
struct Mean {
  double sum = 0, of_squares = 0, count = 0;
  void add(double x) { sum += x, of_squares += x * x, ++count; }
  double value() const { return sum / count; }
  double tolerance() const { return 5 * std::sqrt((of_squares / count - value() * value()) / count); }
};

TEST(GradientMoments, AreThoseOfTheDistribution) {
  std::mt19937 source(1);
  std::normal_distribution<double> normal;
  const auto draw = [&] {
    Gradient g;
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = kMean[i] + kDeviation[i] * normal(source);
    return g;
  };
  for (const std::vector<int>& parts : {std::vector{4, 4}, {1, 2, 5}, {8, 8, 8, 8}, {7, 0, 3}}) {
    Mean signal, noise;
    for (int step = 0; step < 20'000; ++step) {
      const auto [s, n] = step_of(parts, draw);
      signal.add(s);
      noise.add(n);
    }
    EXPECT_NEAR(signal.value(), squared(kMean), signal.tolerance());
    EXPECT_NEAR(noise.value(), squared(kDeviation), noise.tolerance());  // the trace of a diagonal covariance
  }
}

TEST(GradientMoments, OfColumnsThatAgreeHaveNoNoise) {
  const std::array parts{3, 5, 1};
  const auto [signal, noise] = step_of(parts, [] { return kMean; });
  EXPECT_NEAR(signal, squared(kMean), 1e-12);
  EXPECT_NEAR(noise, 0, 1e-12);
}

}  // namespace
}  // namespace charrnn
