// Series made by hand, of a training among 100 symbols: a uniform guess has log(100) = 4.6052.
#include "train/health.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr double kNone = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The definition: the upper middle one of the last values, sorted.
double median_of_last(std::vector<double> values) {
  constexpr auto kLength = static_cast<std::ptrdiff_t>(RunningMedian::kLength);
  values.erase(values.begin(), values.begin() + std::max<std::ptrdiff_t>(0, std::ssize(values) - kLength));
  std::ranges::sort(values);
  return values[values.size() / 2];
}

TEST(RunningMedian, IsThatOfTheLastValues) {
  RunningMedian running;
  std::vector<double> all;
  for (int i = 0; i < 3 * static_cast<int>(RunningMedian::kLength); ++i) {
    all.push_back(std::fmod(i * 37.0, 101));  // in no order, many of them equal
    running.add(all.back());
    ASSERT_EQ(running.median(), median_of_last(all)) << i;
  }
  EXPECT_EQ(running.count(), RunningMedian::kLength);
}

class HealthWatchTest : public testing::Test {
 protected:
  /// So many more steps with these numbers.
  void steps(std::int64_t count, double loss, double norm = 1) {
    for (std::int64_t i = 0; i < count; ++i) watch_.after_step(++step_, loss, norm);
  }
  void validation(double loss, double best) { watch_.after_validation(step_, loss, best); }
  std::vector<std::string> said() { return std::exchange(lines_, {}); }

  std::vector<std::string> lines_;
  std::int64_t step_ = 0;
  HealthWatch watch_{100, 0, [this](const std::string& line) { lines_.push_back(line); }};
};

TEST_F(HealthWatchTest, IsSilentAboutAnOrdinaryTraining) {
  for (int i = 0; i < 3000; ++i) steps(1, 1.2 + 3.45 * std::exp(-i / 300.0), 0.5 + 8 * std::exp(-i / 20.0));
  // SGDR: a restart makes it worse for a while; patience is for what never gets better again.
  for (const double loss : {2.1, 1.8, 1.5, 2.2, 1.7, 1.4, 2.0}) validation(loss, std::max(1.4, loss - 0.75));
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(HealthWatchTest, IsSilentAboutFreshParametersThatLearnSlowly) {
  steps(5000, 4.70);  // a long warm-up: as bad as chance, and a little worse
  validation(4.70, kNone);
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(HealthWatchTest, TellsOfALossAboveTheUniformGuessOnceAnEpisode) {
  steps(100, 50);  // the first ones may be anything
  EXPECT_THAT(said(), IsEmpty());
  steps(99, 7);
  EXPECT_THAT(said(), IsEmpty());
  steps(1, 7);
  EXPECT_THAT(said(), ElementsAre(AllOf(HasSubstr("training loss is 7.0000 over the last 100 steps"), HasSubstr("200"),
                                        HasSubstr("a uniform guess among 100 symbols has 4.6052"),
                                        HasSubstr("lower `learning-rate` or set `clip-norm`"))));
  steps(1000, 9);
  EXPECT_THAT(said(), IsEmpty());
  steps(300, 4.7);  // hovering about it is the same episode
  steps(300, 6);
  EXPECT_THAT(said(), IsEmpty());
  steps(100, 3);
  EXPECT_THAT(said(), IsEmpty());
  steps(100, 6);
  EXPECT_THAT(said(), ElementsAre(HasSubstr("training loss is 6.0000")));
}

TEST_F(HealthWatchTest, HugeLossesLeaveNothingBehind) {
  steps(100, 3);
  steps(100, 1e300);
  EXPECT_THAT(said(), ElementsAre(HasSubstr("training loss is 1e+300")));
  steps(100, 3);
  steps(100, 5);
  EXPECT_THAT(said(), ElementsAre(HasSubstr("training loss is 5.0000")));
}

TEST_F(HealthWatchTest, TellsOfANormAThousandTimesItsMedianOnceAnEpisode) {
  steps(100, 2, 0.5);
  steps(1, 2, 499);
  EXPECT_THAT(said(), IsEmpty());
  steps(1, 2, 600);
  EXPECT_THAT(said(), ElementsAre(AllOf(HasSubstr("gradient's norm is 600 at step 102, 1200 times its median"),
                                        HasSubstr("(0.5)"), HasSubstr("lower `learning-rate` or set `clip-norm`"))));
  for (int i = 0; i < 5; ++i) {
    steps(50, 2, 0.5);
    steps(2, 2, 1e9);
  }
  EXPECT_THAT(said(), IsEmpty());
  steps(100, 2, 0.5);
  steps(1, 2, 1e9);
  EXPECT_THAT(said(), ElementsAre(HasSubstr("gradient's norm is 1e+09")));
}

TEST_F(HealthWatchTest, ComparesNormsOnlyWithEnoughOfThem) {
  steps(20, 2, 1);
  steps(1, 2, 1e6);
  EXPECT_THAT(said(), IsEmpty());
  step_ = 0;
  HealthWatch zeros(100, 0, [this](const std::string& line) { lines_.push_back(line); });
  for (int i = 0; i < 200; ++i) zeros.after_step(++step_, 2, 0);
  zeros.after_step(++step_, 2, 1);
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(HealthWatchTest, TellsOfAValidationAboveTheUniformGuess) {
  validation(111, kNone);
  EXPECT_THAT(said(), ElementsAre(AllOf(HasSubstr("validation loss is 111.0000 at step 0"), HasSubstr("4.6052"),
                                        HasSubstr("lower `learning-rate`"), Not(HasSubstr("the best")))));
  validation(12621, kNone);
  validation(kNan, kNone);
  EXPECT_THAT(said(), IsEmpty());
  validation(3, 3);
  validation(kNan, 3);
  EXPECT_THAT(said(), ElementsAre(AllOf(HasSubstr("validation loss is nan"), HasSubstr("the best was 3.0000"))));
}

TEST_F(HealthWatchTest, TellsOfAValidationThatLosesHalfOfWhatWasLearned) {
  steps(100, 5);
  validation(2.9, 1.3);  // half-way is 2.95
  EXPECT_THAT(said(), IsEmpty());
  validation(3.0, 1.3);
  EXPECT_THAT(said(), ElementsAre(AllOf(HasSubstr("3.0000"), HasSubstr("1.3000"), HasSubstr("`learning-rate`"))));
  validation(4.5, 4.3);  // nearly nothing was learned: a little more or less of it is no news
  EXPECT_THAT(said(), IsEmpty());
}

TEST_F(HealthWatchTest, KnowsOverfittingFromDivergence) {
  steps(100, 0.4);
  validation(4, 2.3);
  EXPECT_THAT(said(), ElementsAre(AllOf(HasSubstr("4.0000"), HasSubstr("2.3000"), HasSubstr("0.4000"),
                                        HasSubstr("`patience`"), Not(HasSubstr("learning-rate")))));
}

TEST_F(HealthWatchTest, AdvisesByTheLimitInForce) {
  HealthWatch limited(100, 5, [this](const std::string& line) { lines_.push_back(line); });
  limited.after_validation(1, 9, kNone);
  EXPECT_THAT(said(), ElementsAre(HasSubstr("lower `learning-rate`, or `clip-norm` (now 5)")));
}

}  // namespace
}  // namespace charrnn
