// The order and the barriers of a plan's steps, and where its time is booked.
#include "models/native/step_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace charrnn {
namespace {

constexpr std::int64_t kLarge = 4 << 20;  // bytes of weights, for which threads form groups

/// Four threads, two for the same columns.
WindowSplit two_groups_of_two() {
  for (std::int64_t columns = 1; columns < 200; ++columns) {
    const WindowSplit split(columns, 2, kLarge, 4);
    if (split.thread_groups() == 2 && split.threads_per_group() == 2) return split;
  }
  ADD_FAILURE() << "no such split";
  return {};
}

TEST(StepPlan, ThreadsSeeWhatOthersWroteBeforeABarrier) {
  constexpr int kThreads = 4, kRounds = 200;
  ThreadTeam team(kThreads);
  StepPlan plan;
  const WindowSplit split = two_groups_of_two();
  plan.start(split);
  // Plain memory on purpose: without the barriers this is a data race, and the values are too small.
  std::vector<int> written(kThreads, 0);
  std::vector<int> wrong(kThreads, 0);
  for (int round = 1; round <= kRounds; ++round) {
    const auto write = [&, round](Worker& worker) { written[static_cast<std::size_t>(worker.number())] = round; };
    const auto check_all = [&, round](Worker& worker) {
      for (const int value : written) wrong[static_cast<std::size_t>(worker.number())] += value != round;
    };
    const auto check_group = [&, round](Worker& worker) {
      for (int thread = 0; thread < kThreads; ++thread) {
        if (split.group_of(thread) != split.group_of(worker.number())) continue;
        wrong[static_cast<std::size_t>(worker.number())] += written[static_cast<std::size_t>(thread)] != round;
      }
    };
    const bool all = round % 2 == 0;
    plan.add(Phase::kForward, all ? WaitFor::kAll : WaitFor::kThreadGroup, write);
    if (all) {
      plan.add(Phase::kForward, WaitFor::kAll, check_all);
    } else {
      plan.add(Phase::kForward, WaitFor::kThreadGroup, check_group);
    }
  }
  plan.run(team);
  EXPECT_EQ(wrong, std::vector<int>(kThreads, 0));
  EXPECT_EQ(written, std::vector<int>(kThreads, kRounds));
}

TEST(StepPlan, GivesEachThreadItsShareAndPollsOnTheFirst) {
  ThreadTeam team(4);
  StepPlan plan;
  const WindowSplit split = two_groups_of_two();
  plan.start(split);
  std::vector<WindowShare> shares(4);
  std::vector<int> counts(4);
  plan.add(Phase::kForward, WaitFor::kNobody, [&](Worker& worker) {
    shares[static_cast<std::size_t>(worker.number())] = worker.share();
    counts[static_cast<std::size_t>(worker.number())] = worker.count();
    worker.poll();
  });
  std::atomic<int> polls = 0;
  plan.run(team, nullptr, [&] { ++polls; });
  EXPECT_EQ(polls, 1);
  for (int thread = 0; thread < 4; ++thread) {
    EXPECT_EQ(shares[static_cast<std::size_t>(thread)].own, split.share(thread).own);
    EXPECT_EQ(counts[static_cast<std::size_t>(thread)], 4);
  }
}

TEST(StepPlan, BooksWorkInItsPhaseAndWaitingAsIdle) {
  using Clock = std::chrono::steady_clock;
  constexpr auto kWork = std::chrono::milliseconds(30);
  const auto work = [](Clock::duration time) {
    for (const auto end = Clock::now() + time; Clock::now() < end;) continue;
  };
  ThreadTeam team(2);
  StepPlan plan;
  plan.start(WindowSplit(2, 1, 1, 2));
  std::atomic<bool> has_worked = false;
  plan.add(Phase::kForward, WaitFor::kAll, [&](Worker& worker) {
    while (worker.number() == 1 && !has_worked) std::this_thread::yield();
    work(kWork);
    has_worked = true;
  });
  plan.add(Phase::kBackward, WaitFor::kNobody, [&](Worker&) { work(kWork); });
  PhaseClock clock;
  EXPECT_EQ(clock.enter(Phase::kReduce), Phase::kOther);
  const PhaseSeconds before = clock.seconds();
  const auto start = Clock::now();
  plan.run(team, &clock);
  const double all = std::chrono::duration<double>(Clock::now() - start).count();
  EXPECT_EQ(clock.enter(Phase::kOther), Phase::kReduce);  // what it was before
  const PhaseSeconds after = clock.seconds();
  const auto spent = [&](Phase phase) {
    return after[static_cast<std::size_t>(phase)] - before[static_cast<std::size_t>(phase)];
  };
  const double milliseconds = 1e-3;
  EXPECT_GE(spent(Phase::kForward), 29 * milliseconds);
  EXPECT_GE(spent(Phase::kBackward), 29 * milliseconds);
  EXPECT_GE(spent(Phase::kIdle), 10 * milliseconds);  // the other thread begins when this one is done
  EXPECT_NEAR(spent(Phase::kForward) + spent(Phase::kBackward) + spent(Phase::kIdle), all, 5 * milliseconds);
}

TEST(StepPlan, StartsEmptyAgain) {
  ThreadTeam team(2);
  StepPlan plan;
  plan.start(WindowSplit(2, 1, 1, 2));
  std::atomic<int> first = 0, second = 0;
  plan.add(Phase::kForward, WaitFor::kAll, [&](Worker&) { ++first; });
  plan.run(team);
  plan.start(WindowSplit(2, 1, 1, 2));
  plan.add(Phase::kForward, WaitFor::kAll, [&](Worker&) { ++second; });
  plan.run(team);
  EXPECT_EQ(first, 2);
  EXPECT_EQ(second, 2);
}

}  // namespace
}  // namespace charrnn
