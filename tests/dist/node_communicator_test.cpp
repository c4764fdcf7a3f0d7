// When ranks share memory and when they do not, on 1, 2 and 3 ranks; what sums give is the contract's matter.
#include "dist/node_communicator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cmath>

#include "dist/mpi_test.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class NodeCommunicatorTest : public testing::Test {
 protected:
  NodeCommunicator make(const std::string& node) {
    return {test::mpi(), Seconds(60), [this](const std::string& line) { warnings_.push_back(line); }, node};
  }
  int rank() const { return test::mpi().rank(); }
  int size() const { return test::mpi().size(); }

  std::vector<std::string> warnings_;
};

TEST_F(NodeCommunicatorTest, RanksOfANodeShareMemory) {
  NodeCommunicator subject = make("here");
  const bool shares = size() > 1;
  EXPECT_EQ(subject.memory_for_sums(1000).size(), shares ? 1000U : 0U);
  EXPECT_EQ(subject.name(), shares ? "shared memory" : "MPI");
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(NodeCommunicatorTest, ARankPerNodeNeedsNone) {
  NodeCommunicator subject = make(std::to_string(rank()));
  EXPECT_TRUE(subject.memory_for_sums(1000).empty());
  EXPECT_EQ(subject.name(), "MPI");
  EXPECT_THAT(warnings_, IsEmpty());
}

// Rounding shows the order: 1 + 2^-24 + 2^-24 is 1 from the left, and more from the right.
TEST_F(NodeCommunicatorTest, AddsUpInTheOrderOfRanks) {
  if (size() < 3) GTEST_SKIP() << "two numbers have one order";
  NodeCommunicator subject = make("here");
  const std::span<float> data = subject.memory_for_sums(100'000);
  std::ranges::fill(data, rank() == 0 ? 1.0F : std::ldexp(1.0F, -24));
  subject.all_reduce_sum(data);
  EXPECT_EQ(std::ranges::count(data, 1.0F), 100'000);
}

TEST_F(NodeCommunicatorTest, MoreSumsThanMayBeUnderWay) {
  NodeCommunicator subject = make("here");
  std::vector<float> own(300);
  std::span<float> data = subject.memory_for_sums(own.size());
  if (data.empty()) data = own;
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<float>(i);
  for (std::size_t i = 0; i < data.size(); ++i) subject.begin_all_reduce_sum(data.subspan(i, 1));
  subject.finish_begun();
  for (std::size_t i = 0; i < data.size(); ++i) EXPECT_EQ(data[i], static_cast<float>(i) * static_cast<float>(size()));
}

// The last test: from here on the ranks other than 0 see no other process, as in a container of their own.
TEST_F(NodeCommunicatorTest, InDifferentContainersSumsGoOverMpi) {
  bool is_hidden = true;
  if (rank() > 0) {
    is_hidden = ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                ::mount("none", "/proc", "tmpfs", 0, "size=64k") == 0;
  }
  NodeCommunicator subject = make("here");
  std::array<double, 1> seen{is_hidden ? 0.0 : 1.0};
  static_cast<MpiCommunicator&>(subject).all_reduce_sum(std::span<double>(seen));
  if (seen[0] > 0) GTEST_SKIP() << "this user may not mount";
  std::vector<float> data(1000, 1);
  EXPECT_TRUE(subject.memory_for_sums(data.size()).empty());
  EXPECT_EQ(subject.name(), "MPI");
  if (size() > 1) {
    EXPECT_THAT(warnings_, ElementsAre(HasSubstr("cannot reach the memory of rank")));
  }
  subject.all_reduce_sum(data);
  EXPECT_EQ(data, std::vector<float>(1000, static_cast<float>(size())));
}

}  // namespace
}  // namespace charrnn
