#include "dist/topology.hpp"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

TEST(DefaultThreads, UnboundRanksShareTheCores) {
  const std::vector<RankPlace> places(3, {"node", {0, 1, 2, 3, 4, 5, 6, 7}});  // 8 / 3
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(default_threads(places, rank), 2);
}

TEST(DefaultThreads, BoundRanksHaveTheirOwn) {
  const std::vector<RankPlace> places = {{"node", {0, 1, 2}}, {"node", {3}}};
  EXPECT_EQ(default_threads(places, 0), 3);
  EXPECT_EQ(default_threads(places, 1), 1);
}

TEST(DefaultThreads, ThreeThirdsMakeACore) {
  const std::vector<RankPlace> places(3, {"node", {0, 1, 2}});
  EXPECT_EQ(default_threads(places, 1), 1);
}

TEST(DefaultThreads, OtherHostsDoNotCount) {
  const std::vector<RankPlace> places = {{"a", {0, 1}}, {"b", {0, 1}}};
  EXPECT_EQ(default_threads(places, 0), 2);
  EXPECT_EQ(count_hosts(places), 2);
}

TEST(DefaultThreads, MoreRanksThanCoresGetOneEach) {
  const std::vector<RankPlace> places(5, {"node", {0, 1}});
  EXPECT_EQ(default_threads(places, 4), 1);
}

}  // namespace
}  // namespace charrnn
