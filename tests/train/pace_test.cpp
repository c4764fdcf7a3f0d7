// How fast a run trains. The time left is a matter of the clock; its pauses are counted here by hand.
#include "train/pace.hpp"

#include <gtest/gtest.h>

#include "config/run_config.hpp"

namespace charrnn {
namespace {

Schedule schedule_of_epochs(double epochs) {
  OptimizerConfig optimizer;
  optimizer.epochs = epochs;
  return {ScheduleConfig(), optimizer, 100};
}

TEST(Pace, ARateIsThatOfTheStepsSinceTheLastOne) {
  const Schedule schedule = schedule_of_epochs(2);
  Pace pace(schedule, 100, 0, 1000);
  EXPECT_EQ(pace.rate(), 0);
  pace.add_step(2, 100);
  pace.add_step(2, 300);
  EXPECT_EQ(pace.rate(), 100);
  EXPECT_EQ(pace.take_rate(), 100);
  pace.add_step(1, 700);
  EXPECT_EQ(pace.rate(), 100);
  pace.add_step(9, 100);
  EXPECT_EQ(pace.rate(), 80);
  EXPECT_EQ(pace.take_rate(), 80);
}

TEST(Pace, APauseTakesItsMeanTimeOrHalfThatOfTraining) {
  const Schedule schedule = schedule_of_epochs(2);
  Pace pace(schedule, 100, 0, 1000);
  pace.add_step(1, 50);
  EXPECT_EQ(pace.seconds_of_pause(), 10);
  pace.add_pause(3);
  pace.add_pause(5);
  EXPECT_EQ(pace.seconds_of_pause(), 4);
}

TEST(Pace, CountsTheValidationsThatAreStillToCome) {
  const Schedule schedule = schedule_of_epochs(2.5);
  Pace pace(schedule, 100, 30, 0);
  pace.add_pause(1e9);  // beside which the steps are nothing
  // After step 110: 120, 150, 180, 200, 210, 240, 250.
  EXPECT_NEAR(pace.seconds_left(110) / 1e9, 7, 1e-3);
  EXPECT_NEAR(pace.seconds_left(249) / 1e9, 1, 1e-3);
  EXPECT_NEAR(pace.seconds_left(250) / 1e9, 1, 1e-3);
}

}  // namespace
}  // namespace charrnn
