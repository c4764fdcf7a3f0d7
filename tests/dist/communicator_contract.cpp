// The contract of Communicator, on 1, 2, 3 … ranks, against values worked out by hand. Rank r's numbers are
// chosen so that they name their owner and place; sums of them are exact.
#include <gtest/gtest.h>
#include <mpi.h>

#include <atomic>
#include <chrono>
#include <deque>

#include "dist/mpi_test.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {
namespace {

class CommunicatorContract : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = cannot_run(mpi()); !why.empty()) GTEST_SKIP() << why;
    subject_ = make_subject(mpi(), Seconds(20));
  }

  Communicator& subject() { return *subject_; }
  int rank() const { return mpi().rank(); }
  int size() const { return mpi().size(); }
  /// 1 + 2 + … + size: the sum over ranks of rank + 1.
  int triangle() const { return size() * (size() + 1) / 2; }

  /// Uneven, with a zero: rank 0 has 2, rank 1 none, rank 2 has 4, rank 3 has 5, …
  std::vector<std::int64_t> uneven() const {
    std::vector<std::int64_t> counts;
    for (int r = 0; r < size(); ++r) counts.push_back(r == 1 ? 0 : r + 2);
    return counts;
  }
  /// 100·owner + place.
  static std::vector<float> numbers(int owner, std::int64_t count) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(100 * owner + i));
    return values;
  }
  static std::vector<float> everyones(const std::vector<std::int64_t>& counts) {
    std::vector<float> all;
    for (std::size_t r = 0; r < counts.size(); ++r) {
      const std::vector<float> one = numbers(static_cast<int>(r), counts[r]);
      all.insert(all.end(), one.begin(), one.end());
    }
    return all;
  }

  template <class T>
  void check_all_reduce() {
    const auto own = static_cast<T>(rank() + 1);
    Buffer<T> data({own, 10 * own, T(-0.5)});
    subject().all_reduce_sum(data.span());
    const auto sum = static_cast<T>(triangle());
    EXPECT_EQ(data.values(), (std::vector<T>{sum, 10 * sum, T(-0.5) * static_cast<T>(size())}));
  }

  std::unique_ptr<Communicator> subject_;
};

TEST_F(CommunicatorContract, KnowsItsPlace) {
  EXPECT_EQ(subject().rank(), rank());
  EXPECT_EQ(subject().size(), size());
  EXPECT_FALSE(subject().name().empty());
}

TEST_F(CommunicatorContract, AllReduceSumsFloats) {
  check_all_reduce<float>();
}

TEST_F(CommunicatorContract, AllReduceSumsDoublesInDoublePrecision) {
  check_all_reduce<double>();
  Buffer<double> data({1.0 + 1e-12});
  subject().all_reduce_sum(data.span());
  EXPECT_NEAR(data.values()[0] - size(), size() * 1e-12, 1e-14);
}

TEST_F(CommunicatorContract, AllReduceOfAGradientsLength) {
  constexpr std::size_t kLength = 300'001;  // several messages, not a round number
  Buffer<float> data(std::vector<float>(kLength, static_cast<float>(rank() + 1)));
  subject().all_reduce_sum(data.span());
  EXPECT_EQ(data.values(), std::vector<float>(kLength, static_cast<float>(triangle())));
}

TEST_F(CommunicatorContract, AllReducesInTheBackground) {
  constexpr std::size_t kLength = 300'001;
  for (int round = 1; round <= 3; ++round) {
    const auto own = static_cast<float>(round * (rank() + 1)), sum = static_cast<float>(round * triangle());
    Buffer<float> first(std::vector<float>(kLength, own)), second({own, 10 * own}), third(std::vector<float>{});
    const std::uint64_t before = subject().sequence();
    subject().begin_all_reduce_sum(first.span());
    subject().poll();
    subject().begin_all_reduce_sum(second.span());
    subject().begin_all_reduce_sum(third.span());
    for (int i = 0; i < 100 * rank(); ++i) subject().poll();
    subject().finish_begun();
    EXPECT_EQ(first.values(), std::vector<float>(kLength, sum));
    EXPECT_EQ(second.values(), (std::vector<float>{sum, 10 * sum}));
    EXPECT_EQ(subject().sequence(), before + 3);
  }
  subject().finish_begun();  // of none
  check_all_reduce<float>();
}

// Every rank sends rank r a slice of r + 1 numbers, adds up what it gets, and gives the sums to all: the sum
// of everyone's numbers, as a chain that each rank moves on at a moment of its own.
TEST_F(CommunicatorContract, ChainsInTheBackground) {
  constexpr int kChains = 3;
  std::vector<std::int64_t> counts;
  for (int r = 0; r < size(); ++r) counts.push_back(r + 1);
  const std::int64_t mine = rank() + 1;
  for (int round = 0; round < 20; ++round) {
    std::deque<Buffer<float>> send, receive, sums, all;
    std::vector<int> ended;
    const std::uint64_t before = subject().sequence();
    for (int chain = 0; chain < kChains; ++chain) {
      std::vector<float> numbers;
      for (int i = 0; i < triangle(); ++i) numbers.push_back(static_cast<float>((i + chain) * (rank() + 1)));
      send.emplace_back(numbers);
      receive.emplace_back(std::vector<float>(static_cast<std::size_t>(mine * size()), -1));
      all.emplace_back(std::vector<float>(static_cast<std::size_t>(triangle()), -1));
    }
    for (int chain = 0; chain < kChains; ++chain) {
      const auto c = static_cast<std::size_t>(chain);
      subject().begin_all_to_all(send[c].span(), counts, receive[c].span(),
                                 std::vector<std::int64_t>(static_cast<std::size_t>(size()), mine), [&, c, chain] {
                                   const std::vector<float> parts = receive[c].values();
                                   std::vector<float> sum(static_cast<std::size_t>(mine));
                                   for (std::size_t i = 0; i < parts.size(); ++i) sum[i % sum.size()] += parts[i];
                                   ended.push_back(chain);
                                   subject().begin_all_gather(sums.emplace_back(sum).span(), all[c].span(), counts);
                                 });
      for (int i = 0; i < 40 * rank() * (round % 3); ++i) subject().poll();
    }
    subject().finish_begun();
    EXPECT_EQ(ended, (std::vector<int>{0, 1, 2}));
    EXPECT_EQ(subject().sequence(), before + 2 * kChains);
    for (int chain = 0; chain < kChains; ++chain) {
      std::vector<float> expected;
      for (int i = 0; i < triangle(); ++i) expected.push_back(static_cast<float>((i + chain) * triangle()));
      EXPECT_EQ(all[static_cast<std::size_t>(chain)].values(), expected);
    }
  }
  check_all_reduce<float>();
}

TEST_F(CommunicatorContract, QueuesWhatWasBegun) {
  constexpr std::size_t kLength = 300'001;
  for (int round = 1; round <= 3; ++round) {
    const auto own = static_cast<float>(round * (rank() + 1)), sum = static_cast<float>(round * triangle());
    Buffer<float> first(std::vector<float>(kLength, own)), second({own, 10 * own}), third(std::vector<float>{}),
        fourth({own});
    const std::uint64_t before = subject().sequence();
    subject().begin_all_reduce_sum(first.span());
    subject().begin_all_reduce_sum(second.span());
    subject().queue_begun();
    subject().queue_begun();  // of none
    subject().begin_all_reduce_sum(third.span());
    subject().begin_all_reduce_sum(fourth.span());
    subject().queue_begun();
    subject().wait_queued(mark_of_subject());
    EXPECT_EQ(first.values(), std::vector<float>(kLength, sum));
    EXPECT_EQ(second.values(), (std::vector<float>{sum, 10 * sum}));
    EXPECT_EQ(fourth.values(), std::vector<float>{sum});
    EXPECT_EQ(subject().sequence(), before + 4);
  }
}

// A step's losses are read when the next step is already in the queue.
TEST_F(CommunicatorContract, WaitsForWhatWasQueuedBeforeTheLast) {
  std::deque<Buffer<float>> losses;
  std::deque<std::function<bool()>> marks;
  for (int step = 0; step < 20; ++step) {
    subject().set_step(step);
    subject().begin_all_reduce_sum(
        losses.emplace_back(std::vector<float>{static_cast<float>(step * (rank() + 1))}).span());
    subject().queue_begun();
    marks.push_back(mark_of_subject());
    if (step == 0) continue;
    subject().wait_queued(marks.front());
    EXPECT_TRUE(marks.front()());
    EXPECT_EQ(losses.front().values(), std::vector<float>{static_cast<float>((step - 1) * triangle())});
    marks.pop_front();
    losses.pop_front();
  }
  check_all_reduce<float>();  // other collectives may follow what is queued
  EXPECT_EQ(losses.front().values(), std::vector<float>{static_cast<float>(19 * triangle())});
}

// Every rank's part of a sum goes to rank 0, 1, …, which gives it to all, by way of a `then` in the queue.
TEST_F(CommunicatorContract, QueuesWhatAThenBegins) {
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(size()), 1);
  const auto own = static_cast<float>(rank() + 1);
  Buffer<float> send(std::vector<float>(static_cast<std::size_t>(size()), own));
  Buffer<float> receive(std::vector<float>(static_cast<std::size_t>(size()), -1)), tail({own});
  Buffer<float> all(std::vector<float>(static_cast<std::size_t>(size()), -1));
  bool has_ended = false;
  subject().begin_all_to_all(send.span(), ones, receive.span(), ones, [&] {
    subject().begin_all_gather(receive.span().first(static_cast<std::size_t>(1)), all.span(), ones);  // rank 0's
    has_ended = true;
  });
  subject().begin_all_reduce_sum(tail.span());
  subject().queue_begun();
  EXPECT_TRUE(has_ended);
  subject().wait_queued(mark_of_subject());
  EXPECT_EQ(all.values(), std::vector<float>(static_cast<std::size_t>(size()), 1));
  EXPECT_EQ(tail.values(), std::vector<float>{static_cast<float>(triangle())});
}

TEST_F(CommunicatorContract, SumsFromAMomentOn) {
  constexpr std::size_t kLength = 100'001;
  for (int round = 1; round <= 3; ++round) {
    const auto own = static_cast<float>(round * (rank() + 1)), sum = static_cast<float>(round * triangle());
    Buffer<float> first(std::vector<float>(kLength, own)), second({own, 10 * own}), tail({own});
    const std::uint64_t before = subject().sequence();
    subject().begin_all_reduce_sum_after(moment_of_subject(), first.span());
    subject().begin_all_reduce_sum(tail.span());
    subject().begin_all_reduce_sum_after(moment_of_subject(), second.span());
    subject().queue_begun();
    subject().wait_queued(mark_of_subject());
    EXPECT_EQ(first.values(), std::vector<float>(kLength, sum));
    EXPECT_EQ(second.values(), (std::vector<float>{sum, 10 * sum}));
    EXPECT_EQ(tail.values(), std::vector<float>{sum});
    EXPECT_EQ(subject().sequence(), before + 3);
  }
  check_all_reduce<float>();
}

TEST_F(CommunicatorContract, ADeviceThatHangsEndsAWaitAtTheDeadline) {
  subject().set_timeout(Seconds(0.3));
  subject().set_step(5);
  try {
    subject().wait_queued([] { return false; });
    FAIL() << "no CommError";
  } catch (const CommError& error) {
    EXPECT_EQ(error.collective(), "device");
    EXPECT_EQ(error.step(), 5);
    EXPECT_EQ(error.code(), ExitCode::kInterrupted);
    EXPECT_TRUE(error.exit_at_once());
    EXPECT_GE(error.waited(), Seconds(0.3));
    EXPECT_LE(error.waited(), Seconds(1.3));
  }
}

TEST_F(CommunicatorContract, AllToAllWithUnevenSlices) {
  // Rank r sends r + 2·s numbers to rank s (rank 0 sends itself none): 1000·r + 100·s + place.
  const auto slice = [](int from, int to) {
    std::vector<float> values;
    for (int i = 0; i < from + 2 * to; ++i) values.push_back(static_cast<float>(1000 * from + 100 * to + i));
    return values;
  };
  std::vector<float> sent, expected;
  std::vector<std::int64_t> send_counts, receive_counts;
  for (int other = 0; other < size(); ++other) {
    const std::vector<float> out = slice(rank(), other), in = slice(other, rank());
    sent.insert(sent.end(), out.begin(), out.end());
    expected.insert(expected.end(), in.begin(), in.end());
    send_counts.push_back(std::ssize(out));
    receive_counts.push_back(std::ssize(in));
  }
  Buffer<float> send(sent), receive(std::vector<float>(expected.size(), -1));
  subject().all_to_all(send.span(), send_counts, receive.span(), receive_counts);
  EXPECT_EQ(receive.values(), expected);
  EXPECT_EQ(send.values(), sent);
}

TEST_F(CommunicatorContract, AllGatherWithUnevenCounts) {
  const std::vector<std::int64_t> counts = uneven();
  const std::vector<float> expected = everyones(counts);
  Buffer<float> mine(numbers(rank(), counts[static_cast<std::size_t>(rank())]));
  Buffer<float> all(std::vector<float>(expected.size(), -1));
  subject().all_gather(mine.span(), all.span(), counts);
  EXPECT_EQ(all.values(), expected);
}

TEST_F(CommunicatorContract, AllGatherOfEqualCountsAndARest) {
  for (const std::int64_t each : {0, 3}) {
    for (const std::int64_t rest : {0, 2}) {
      std::vector<std::int64_t> counts(static_cast<std::size_t>(size()), each);
      counts.back() += rest;
      const std::vector<float> expected = everyones(counts);
      Buffer<float> mine(numbers(rank(), counts[static_cast<std::size_t>(rank())]));
      Buffer<float> all(std::vector<float>(expected.size(), -1));
      subject().all_gather(mine.span(), all.span(), counts);
      EXPECT_EQ(all.values(), expected) << each << " and " << rest;
    }
  }
}

TEST_F(CommunicatorContract, GatherToEveryRootInTurn) {
  const std::vector<std::int64_t> counts = uneven();
  const std::vector<float> expected = everyones(counts);
  for (int root = 0; root < size(); ++root) {
    Buffer<float> mine(numbers(rank(), counts[static_cast<std::size_t>(rank())]));
    Buffer<float> all(std::vector<float>(rank() == root ? expected.size() : 0, -1));
    subject().gather(mine.span(), all.span(), counts, root);
    EXPECT_EQ(all.values(), rank() == root ? expected : std::vector<float>()) << "root " << root;
  }
}

TEST_F(CommunicatorContract, BroadcastFromEveryRootInTurn) {
  for (int root = 0; root < size(); ++root) {
    Buffer<std::byte> data(std::vector<std::byte>(7, static_cast<std::byte>(rank() + 1)));
    subject().broadcast(data.span(), root);
    EXPECT_EQ(data.values(), std::vector<std::byte>(7, static_cast<std::byte>(root + 1)));
  }
}

TEST_F(CommunicatorContract, EmptySpansAreAllowedEverywhere) {
  const std::vector<std::int64_t> none(static_cast<std::size_t>(size()), 0);
  subject().all_reduce_sum(std::span<float>());
  subject().all_reduce_sum(std::span<double>());
  subject().all_to_all({}, none, {}, none);
  subject().all_gather({}, {}, none);
  subject().gather({}, {}, none, size() - 1);
  subject().broadcast({}, 0);
  check_all_reduce<float>();  // and the ranks are still in step
}

TEST_F(CommunicatorContract, CountsEveryCall) {
  const std::uint64_t before = subject().sequence();
  subject().barrier();
  subject().all_reduce_sum(std::span<float>());
  check_all_reduce<double>();
  EXPECT_EQ(subject().sequence(), before + 3);
}

TEST_F(CommunicatorContract, KeepsTheOrderOfManyCalls) {
  for (int step = 0; step < 50; ++step) {
    subject().set_step(step);
    Buffer<float> data({static_cast<float>(step * (rank() + 1))});
    subject().all_reduce_sum(data.span());
    ASSERT_EQ(data.values()[0], static_cast<float>(step * triangle()));
    subject().barrier();
  }
}

TEST_F(CommunicatorContract, TwoLiveCommunicatorsDoNotMix) {
  const std::unique_ptr<Communicator> other = make_subject(mpi(), Seconds(20));
  const std::uint64_t before = other->sequence();
  Buffer<float> ones({1}), twos({2});
  subject().all_reduce_sum(ones.span());
  other->all_reduce_sum(twos.span());
  EXPECT_EQ(ones.values()[0], static_cast<float>(size()));
  EXPECT_EQ(twos.values()[0], static_cast<float>(2 * size()));
  EXPECT_EQ(other->sequence(), before + 1);
}

TEST_F(CommunicatorContract, NobodyLeavesABarrierBeforeAllCame) {
  int* arrived = nullptr;  // rank 0's, shared by all
  MPI_Win window = MPI_WIN_NULL;
  MPI_Win_allocate_shared(rank() == 0 ? sizeof(int) : 0, sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD, &arrived, &window);
  MPI_Aint bytes = 0;
  int unit = 0;
  MPI_Win_shared_query(window, 0, &bytes, &unit, &arrived);
  const std::atomic_ref<int> count(*arrived);
  if (rank() == 0) count = 0;
  MPI_Barrier(MPI_COMM_WORLD);
  for (int round = 1; round <= size(); ++round) {
    if (rank() == round - 1) {  // one rank after the other is late, with work of its own
      const auto start = std::chrono::steady_clock::now();
      while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(20)) continue;
    }
    ++count;
    subject().barrier();
    EXPECT_GE(count.load(), round * size());
    MPI_Barrier(MPI_COMM_WORLD);
  }
  MPI_Win_free(&window);
}

}  // namespace
}  // namespace charrnn::test
