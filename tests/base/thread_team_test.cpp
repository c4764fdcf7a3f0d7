#include "base/thread_team.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>

namespace charrnn {
namespace {

using ::testing::Each;

TEST(ThreadTeam, RunsOnThreadsOfTheirOwn) {
  ThreadTeam team(3);
  std::vector<std::thread::id> ids(3);
  team.run([&](int i) { ids[static_cast<std::size_t>(i)] = std::this_thread::get_id(); });
  EXPECT_EQ(ids[0], std::this_thread::get_id());
  EXPECT_EQ(std::set<std::thread::id>(ids.begin(), ids.end()).size(), 3U);
}

TEST(ThreadTeam, ReturnsWhenAllHaveEnded) {
  ThreadTeam team(4);
  std::vector<int> count(4);
  for (int round = 1; round <= 1000; ++round) {
    team.run([&](int i) { ++count[static_cast<std::size_t>(i)]; });
    ASSERT_THAT(count, Each(round));
  }
}

TEST(ThreadTeam, BarrierShowsWhatTheOthersWrote) {
  constexpr int kThreads = 3, kRounds = 500;
  ThreadTeam team(kThreads);
  std::vector<int> written(kThreads);  // plain numbers: a race would be seen by ThreadSanitizer
  std::atomic<int> wrong{0};
  team.run([&](int i) {
    for (int round = 1; round <= kRounds; ++round) {
      written[static_cast<std::size_t>(i)] = round;
      team.barrier();
      for (const int value : written) wrong += value != round;
      team.barrier();
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadTeam, ChangesItsSize) {
  ThreadTeam team;
  EXPECT_EQ(team.size(), 1);
  for (const int size : {4, 1, 2}) {
    team.resize(size);
    EXPECT_EQ(team.size(), size);
    std::atomic<int> runs{0};
    team.run([&](int) {
      ++runs;
      team.barrier();
    });
    EXPECT_EQ(runs, size);
  }
}

}  // namespace
}  // namespace charrnn
