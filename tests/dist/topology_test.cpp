#include "dist/topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.hpp"

namespace charrnn {
namespace {

TEST(DefaultThreads, UnboundRanksShareTheCores) {
  const std::vector<RankPlace> places(3, {"node", {0, 1, 2, 3, 4, 5, 6, 7}});  // 8 / 3
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(default_threads(places, rank).threads, 2);
}

TEST(DefaultThreads, BoundRanksHaveTheirOwn) {
  const std::vector<RankPlace> places = {{"node", {0, 1, 2}}, {"node", {3}}};
  EXPECT_EQ(default_threads(places, 0).threads, 3);
  EXPECT_EQ(default_threads(places, 1).threads, 1);
}

TEST(DefaultThreads, ThreeThirdsMakeACore) {
  const std::vector<RankPlace> places(3, {"node", {0, 1, 2}});
  EXPECT_EQ(default_threads(places, 1).threads, 1);
}

TEST(DefaultThreads, OtherHostsDoNotCount) {
  const std::vector<RankPlace> places = {{"a", {0, 1}}, {"b", {0, 1}}};
  EXPECT_EQ(default_threads(places, 0).threads, 2);
  EXPECT_EQ(count_hosts(places), 2);
}

TEST(DefaultThreads, MoreRanksThanCoresGetOneEach) {
  const std::vector<RankPlace> places(5, {"node", {0, 1}});
  EXPECT_EQ(default_threads(places, 4).threads, 1);
}

std::vector<RankPlace> on(const std::vector<std::string>& hosts) {
  std::vector<RankPlace> places;
  for (const std::string& host : hosts) places.push_back({host, {0}});
  return places;
}

TEST(RanksOfHosts, InTheOrderOfTheRanks) {
  EXPECT_EQ(ranks_of_hosts(on({"b", "b", "b", "a"})), "b (ranks 0-2), a (rank 3)");
  EXPECT_EQ(ranks_of_hosts(on({"a", "b", "a", "b", "b"})), "a (ranks 0, 2), b (ranks 1, 3-4)");
}

TEST(RanksOfHosts, OfManyTheFirstAndTheLast) {
  std::vector<std::string> hosts;
  for (int host = 1; host <= 8; ++host) hosts.insert(hosts.end(), 2, fmt::format("n{}", host));
  EXPECT_THAT(ranks_of_hosts(on(hosts)), testing::HasSubstr("n6 (ranks 10-11), n7 (ranks 12-13), n8 (ranks 14-15)"));
  hosts.emplace_back("n9");
  EXPECT_THAT(ranks_of_hosts(on(hosts)), testing::EndsWith("n6 (ranks 10-11), …, n9 (rank 16)"));
}

RankPlace limited(const std::string& host, double cores, const std::string& group) {
  return {host, {0, 1, 2, 3, 4, 5, 6, 7}, {cores, group}};
}

TEST(DefaultThreads, AQuotaIsSharedByThoseOfItsGroup) {
  const std::vector<RankPlace> places = {limited("a", 4, "x"), limited("a", 4, "x"), limited("a", 1.5, "y"),
                                         limited("b", 2.5, "x")};
  const std::vector<int> expected = {2, 2, 1, 2};
  for (int rank = 0; rank < 4; ++rank) {
    const ThreadChoice choice = default_threads(places, rank);
    EXPECT_EQ(choice.threads, expected[static_cast<std::size_t>(rank)]);
    EXPECT_EQ(choice.reason.empty(), rank == 0 || rank == 1) << choice.reason;  // 8 cores for 3 ranks are 2 each
  }
  EXPECT_EQ(default_threads(places, 2).reason, "a CPU quota of 1.5 core(s)");
}

TEST(ThreadsOfEnvironment, TheFirstOfAList) {
  EXPECT_EQ(threads_of_environment(nullptr), std::nullopt);
  EXPECT_EQ(threads_of_environment("4"), 4);
  EXPECT_EQ(threads_of_environment(" 3 , 2"), 3);
  for (const char* wrong : {"", "abc", "0", "-1", "2x", "99999999999", ",4"}) {
    EXPECT_EQ(threads_of_environment(wrong), std::nullopt) << wrong;
  }
}

TEST(Oversubscription, CountsTheThreadsOfAHost) {
  const std::vector<RankPlace> places = {{"a", {0, 1}}, {"a", {2, 3}}, {"b", {0}}};
  EXPECT_EQ(oversubscription(places, std::vector<int>{2, 2, 1}), "");
  EXPECT_THAT(oversubscription(places, std::vector<int>{4, 1, 1}),
              testing::HasSubstr("5 threads share 4 core(s) of a"));
  EXPECT_THAT(oversubscription(places, std::vector<int>{2, 2, 3}),
              testing::HasSubstr("3 threads share 1 core(s) of b"));
}

}  // namespace
}  // namespace charrnn
