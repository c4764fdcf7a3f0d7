#include "models/native/window_split.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace charrnn {
namespace {

constexpr std::int64_t kLarge = 4 << 20;  // bytes

TEST(WindowSplit, GivesEveryColumnsUnitsToOneThread) {
  for (const std::int64_t columns : {1, 3, 8, 64, 100}) {
    for (const std::int64_t panels : {1, 3, 16}) {
      for (const int threads : {1, 2, 3, 7, 16}) {
        const WindowSplit split(columns, panels, kLarge, threads);
        EXPECT_EQ(split.thread_groups() * split.threads_per_group(), threads);
        std::vector<int> units(static_cast<std::size_t>(columns * panels)),
            own(static_cast<std::size_t>(columns));
        for (int thread = 0; thread < threads; ++thread) {
          const WindowShare share = split.share(thread);
          const int group = split.group_of(thread);
          EXPECT_EQ(group, thread / split.threads_per_group());
          EXPECT_EQ(share.columns, split.share(group * split.threads_per_group()).columns);
          for (std::int64_t column = share.columns.first; column < share.columns.end(); ++column) {
            for (std::int64_t panel = share.panels.first; panel < share.panels.end(); ++panel) {
              ++units[static_cast<std::size_t>(column * panels + panel)];
            }
          }
          for (std::int64_t column = share.own.first; column < share.own.end(); ++column) {
            EXPECT_TRUE(column >= share.columns.first && column < share.columns.end());
            ++own[static_cast<std::size_t>(column)];
          }
        }
        EXPECT_EQ(units, std::vector<int>(units.size(), 1));
        EXPECT_EQ(own, std::vector<int>(own.size(), 1));
      }
    }
  }
}

TEST(WindowSplit, LetsThreadsMeetOnlyWhereItIsWorthIt) {
  EXPECT_EQ(WindowSplit(64, 16, kLarge, 2).threads_per_group(), 1);   // 32 columns each are enough
  EXPECT_EQ(WindowSplit(16, 16, kLarge, 2).threads_per_group(), 2);   // 8 are not
  EXPECT_EQ(WindowSplit(16, 16, 1 << 16, 2).threads_per_group(), 1);  // unless each has all weights at hand
  EXPECT_EQ(WindowSplit(64, 16, kLarge, 16).thread_groups(), 1);  // one panel each, nobody reads all weights
  EXPECT_EQ(WindowSplit(64, 8, kLarge, 16).thread_groups(), 2);   // no more threads than panels
  EXPECT_EQ(WindowSplit(64, 1, kLarge, 16).threads_per_group(), 1);
}

}  // namespace
}  // namespace charrnn
