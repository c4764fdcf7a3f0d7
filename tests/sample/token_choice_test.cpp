#include "sample/token_choice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"

namespace charrnn {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

// Probabilities 0.1, 0.4, 0.2, 0.3 as logits.
const std::vector<float> kLogits = {std::log(0.1F), std::log(0.4F), std::log(0.2F), std::log(0.3F)};

auto near(double a, double b, double c, double d) {
  return ElementsAre(DoubleNear(a, 1e-6), DoubleNear(b, 1e-6), DoubleNear(c, 1e-6), DoubleNear(d, 1e-6));
}

TEST(TokenProbabilities, Plain) {
  EXPECT_THAT(token_probabilities(kLogits, {}, {}), near(0.1, 0.4, 0.2, 0.3));
}

TEST(TokenProbabilities, TemperatureTwoTakesSquareRoots) {
  const double sum = std::sqrt(0.1) + std::sqrt(0.4) + std::sqrt(0.2) + std::sqrt(0.3);
  EXPECT_THAT(token_probabilities(kLogits, {.temperature = 2}, {}),
              near(std::sqrt(0.1) / sum, std::sqrt(0.4) / sum, std::sqrt(0.2) / sum, std::sqrt(0.3) / sum));
}

TEST(TokenProbabilities, TopK) {
  EXPECT_THAT(token_probabilities(kLogits, {.top_k = 2}, {}), near(0, 0.4 / 0.7, 0, 0.3 / 0.7));
}

TEST(TokenProbabilities, TopPKeepsTheFewestThatReachIt) {
  EXPECT_THAT(token_probabilities(kLogits, {.top_p = 0.65}, {}), near(0, 0.4 / 0.7, 0, 0.3 / 0.7));
  EXPECT_THAT(token_probabilities(kLogits, {.top_p = 0.75}, {}), near(0, 0.4 / 0.9, 0.2 / 0.9, 0.3 / 0.9));
  EXPECT_THAT(token_probabilities(kLogits, {.top_p = 1e-9}, {}), near(0, 1, 0, 0));
}

TEST(TokenProbabilities, ExcludedTokensAreNeverDrawn) {
  const std::vector<std::int64_t> excluded = {1, 0};
  EXPECT_THAT(token_probabilities(kLogits, {}, excluded), near(0, 0, 0.4, 0.6));
}

TEST(ChooseToken, InverseTransformAndGreedy) {
  EXPECT_EQ(choose_token(kLogits, {}, {}, 0.0), 0);
  EXPECT_EQ(choose_token(kLogits, {}, {}, 0.11), 1);
  EXPECT_EQ(choose_token(kLogits, {}, {}, 0.49), 1);
  EXPECT_EQ(choose_token(kLogits, {}, {}, 0.51), 2);
  EXPECT_EQ(choose_token(kLogits, {}, {}, 0.9999999), 3);
  EXPECT_EQ(choose_token(kLogits, {.greedy = true}, {}, 0.9), 1);
}

TEST(SampleOptions, OutOfRangeIsRefused) {
  EXPECT_THROW(validate(SampleOptions{.temperature = 0}), UsageError);
  EXPECT_THROW(validate(SampleOptions{.top_k = -1}), UsageError);
  EXPECT_THROW(validate(SampleOptions{.top_p = 1.5}), UsageError);
}

}  // namespace
}  // namespace charrnn
