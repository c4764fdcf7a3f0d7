// What NcclCommunicator does when NCCL or the device fails, with a double that fails as it is told. Runs
// alone and under mpirun: every rank has the same fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>
#include <nccl.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <thread>

#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"
#include "dist/nccl_communicator.hpp"
#include "dist/nccl_double.hpp"

namespace charrnn::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr Seconds kTimeout{0.3};

class NcclFaults : public testing::Test {
 protected:
  NcclFaults() : control_(mpi(), Seconds(20)) { reset(); }
  ~NcclFaults() override {
    EXPECT_EQ(nccl_double().aborts_under, 0);
    EXPECT_EQ(nccl_double().without_device, 0);
    reset();
  }

  static void reset() {
    nccl_double().fault = NcclFault::kNone;
    nccl_double().abort_hangs = false;
    nccl_double().version = 0;
    nccl_double().aborts = 0;
    nccl_double().live = 0;
    nccl_double().aborts_under = 0;
    nccl_double().without_device = 0;
  }
  std::unique_ptr<NcclCommunicator> make() {
    control_.set_step(42);
    auto made =
        std::make_unique<NcclCommunicator>(control_, make_double_stream_events(), make_double_memory(), Seconds(20));
    made->set_timeout(kTimeout);
    return made;
  }

  /// The error of a barrier under `fault`; checks all that is the same for every fault.
  CommError failure(NcclFault fault) {
    const std::unique_ptr<NcclCommunicator> comm = make();
    comm->barrier();
    comm->set_step(7);
    nccl_double().fault = fault;
    CommError error = caught([&] { comm->barrier(); });
    EXPECT_EQ(error.rank(), mpi().rank());
    EXPECT_EQ(error.step(), 7);
    EXPECT_EQ(error.sequence(), 2U);
    EXPECT_EQ(error.collective(), "barrier");
    EXPECT_EQ(error.code(), ExitCode::kInterrupted);
    EXPECT_TRUE(error.exit_at_once());
    // Later calls, and the end of the object, leave NCCL alone.
    EXPECT_THAT(caught([&] { comm->barrier(); }).what(), HasSubstr("ended this communicator"));
    return error;
  }
  template <class Work>
  static CommError caught(Work work) {
    try {
      work();
    } catch (const CommError& error) {
      return error;
    }
    ADD_FAILURE() << "no CommError";
    return {-1, -1, "", 0, Seconds(-1), ""};
  }
  static void expect_deadline(const CommError& error) {
    EXPECT_THAT(error.what(), HasSubstr("deadline"));
    EXPECT_GE(error.waited(), kTimeout);
    EXPECT_LE(error.waited(), kTimeout + Seconds(1));
  }
  static void expect_at_once(const CommError& error) { EXPECT_LT(error.waited(), kTimeout); }

  static bool is_last() { return mpi().rank() + 1 == mpi().size(); }
  static void expect_last_missing(const CommError& error) {
    // The others may have ended their own wait by then, and be missing, too.
    EXPECT_THAT(error.what(), ContainsRegex(fmt::format("ranks? ([0-9]+, )*{} did not arrive", mpi().size() - 1)));
  }
  /// Ends a communicator that the other ranks have given up on.
  static void throw_away(std::unique_ptr<NcclCommunicator>& comm) {
    try {
      const std::unique_ptr<NcclCommunicator> leaving = std::move(comm);
      throw DataError("of this rank alone");
    } catch (const DataError&) {
    }
  }

  /// Ones in the double's memory.
  class Gpu {
   public:
    explicit Gpu(std::size_t size) : size_(size), data_(static_cast<float*>(memory_->allocate(size * sizeof(float)))) {
      const std::vector<float> ones(size, 1);
      memory_->to_device(data_, ones.data(), size * sizeof(float));
    }
    ~Gpu() { memory_->release(data_); }
    Gpu(const Gpu&) = delete;
    Gpu& operator=(const Gpu&) = delete;
    std::span<float> span() { return {data_, size_}; }
    std::vector<float> values() {
      std::vector<float> result(size_);
      memory_->to_host(result.data(), data_, size_ * sizeof(float));
      return result;
    }

   private:
    std::unique_ptr<DeviceMemory> memory_ = make_double_memory();
    std::size_t size_;
    float* data_;
  };

  MpiCommunicator control_;
};

TEST_F(NcclFaults, WithoutFaultsNothingIsAborted) {
  make()->barrier();
  EXPECT_EQ(nccl_double().aborts, 0);
  EXPECT_EQ(nccl_double().live, 0);
}

TEST_F(NcclFaults, AHangIsAbortedOnceAtTheDeadline) {
  expect_deadline(failure(NcclFault::kHang));
  EXPECT_EQ(nccl_double().aborts, 1);
  EXPECT_EQ(nccl_double().live, 0);
}

// NCCL connects ranks inside the call. An abort would free the communicator under that.
TEST_F(NcclFaults, ACallThatHangsInsideNcclIsLeftBehind) {
  const std::unique_ptr<NcclCommunicator> comm = make();
  nccl_double().fault = NcclFault::kEnqueueHangs;
  const CommError error = caught([&] { comm->barrier(); });
  expect_deadline(error);
  EXPECT_EQ(error.collective(), "barrier");
  EXPECT_EQ(nccl_double().aborts, 0);
  EXPECT_EQ(nccl_double().live, 1);
}

TEST_F(NcclFaults, EveryCallThatMayConnectRanksIsBounded) {
  if (mpi().size() == 1) GTEST_SKIP() << "nobody to connect with";
  std::unique_ptr<NcclCommunicator> comm = make();
  Gpu data(100'000);
  comm->all_reduce_sum(data.span().first(3));
  if (!is_last()) {
    const CommError error = caught([&] { comm->all_reduce_sum(data.span()); });  // large: NCCL takes another algorithm
    expect_deadline(error);
    expect_last_missing(error);
    EXPECT_EQ(nccl_double().aborts, 0);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  if (is_last()) throw_away(comm);
}

TEST_F(NcclFaults, AnAsynchronousErrorEndsTheCallAtOnceInNcclsWords) {
  const CommError error = failure(NcclFault::kAsyncError);
  expect_at_once(error);
  EXPECT_THAT(error.what(), HasSubstr("remote process exited (told by the double"));
  EXPECT_EQ(nccl_double().aborts, 1);
}

TEST_F(NcclFaults, ARefusedCallEndsAtOnce) {
  expect_at_once(failure(NcclFault::kEnqueueRefused));
  EXPECT_EQ(nccl_double().aborts, 1);
}

TEST_F(NcclFaults, ALostDeviceEndsTheCallAtOnce) {
  const CommError error = failure(NcclFault::kDeviceError);
  expect_at_once(error);
  EXPECT_THAT(error.what(), HasSubstr("the GPU is lost"));
  EXPECT_EQ(nccl_double().aborts, 1);
}

TEST_F(NcclFaults, AnAbortThatHangsIsLeftBehind) {
  nccl_double().abort_hangs = true;
  const auto start = std::chrono::steady_clock::now();
  expect_deadline(failure(NcclFault::kHang));
  EXPECT_LT(std::chrono::steady_clock::now() - start, kTimeout + Seconds(5));
  EXPECT_EQ(nccl_double().aborts, 1);
}

TEST_F(NcclFaults, AnInitThatNeverEndsIsLeftBehindAtTheDeadline) {
  nccl_double().fault = NcclFault::kInitHangs;
  const CommError error = caught([&] {
    control_.set_step(42);
    const NcclCommunicator made(control_, make_double_stream_events(), make_double_memory(), kTimeout);
  });
  expect_deadline(error);
  EXPECT_EQ(error.collective(), "init");
  EXPECT_EQ(error.step(), 42);
  EXPECT_TRUE(error.exit_at_once());
  EXPECT_EQ(nccl_double().aborts, 0);
}

TEST_F(NcclFaults, AnInitEndsAtTheDeadlineWhereARankDoesNotCome) {
  if (mpi().size() == 1) GTEST_SKIP() << "nobody to wait for";
  if (is_last()) nccl_double().fault = NcclFault::kInitHangs;
  expect_deadline(caught(
      [&] { const NcclCommunicator made(control_, make_double_stream_events(), make_double_memory(), kTimeout); }));
  EXPECT_EQ(nccl_double().aborts, 0);
}

TEST_F(NcclFaults, AnInitThatFailsIsAborted) {
  nccl_double().fault = NcclFault::kInitFails;
  EXPECT_THAT(caught([&] { make(); }).what(), HasSubstr("remote process exited"));
  EXPECT_EQ(nccl_double().aborts, 1);
}

TEST_F(NcclFaults, ARefusedInitHasNothingToAbort) {
  nccl_double().fault = NcclFault::kInitRefused;
  EXPECT_EQ(caught([&] { make(); }).collective(), "init");
  EXPECT_EQ(nccl_double().aborts, 0);
}

TEST_F(NcclFaults, LeavingWithAnErrorAbortsInsteadOfWaitingForTheOthers) {
  EXPECT_THROW(
      {
        const std::unique_ptr<NcclCommunicator> comm = make();
        throw DataError("of this rank alone");
      },
      DataError);
  EXPECT_EQ(nccl_double().aborts, 1);
}

// The all_to_all is in the queue, and so is whatever waits for the device, until the abort ends it.
TEST_F(NcclFaults, ACallThatHangsBehindACollectiveInTheQueueIsAborted) {
  if (mpi().size() == 1) GTEST_SKIP() << "nobody to connect with";
  std::unique_ptr<NcclCommunicator> comm = make();
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(mpi().size()), 1);
  Gpu send(ones.size()), receive(ones.size()), all(ones.size());
  comm->all_to_all(send.span(), ones, receive.span(), ones);
  if (!is_last()) {
    comm->begin_all_to_all(send.span(), ones, receive.span(), ones,
                           [&] { comm->begin_all_gather(receive.span().first(1), all.span(), ones); });
    const CommError error = caught([&] { comm->queue_begun(); });
    expect_deadline(error);
    expect_last_missing(error);
    EXPECT_EQ(error.collective(), "all_gather");
    EXPECT_EQ(nccl_double().aborts, 1);
    EXPECT_EQ(nccl_double().aborts_under.exchange(0), 1);
    EXPECT_EQ(receive.values().size(), ones.size());  // ends
  }
  MPI_Barrier(MPI_COMM_WORLD);
  if (is_last()) throw_away(comm);
}

// What is queued needs no rank to wait for another.
TEST_F(NcclFaults, QueuingDoesNotWaitForOtherRanks) {
  const std::unique_ptr<NcclCommunicator> comm = make();
  Gpu data(3);
  comm->all_reduce_sum(data.span());
  for (int rank = 0; rank < mpi().size(); ++rank) {  // one after the other
    if (rank == mpi().rank()) {
      comm->begin_all_reduce_sum(data.span());
      comm->queue_begun();
    }
    MPI_Barrier(MPI_COMM_WORLD);
  }
  comm->finish_begun();
  EXPECT_EQ(data.values(), std::vector<float>(3, static_cast<float>(mpi().size() * mpi().size())));
}

TEST_F(NcclFaults, WhatWasBegunIsOneLaunchAndWhatAThenBeginsAnother) {
  const std::unique_ptr<NcclCommunicator> comm = make();
  const std::vector<std::int64_t> ones(static_cast<std::size_t>(mpi().size()), 1);
  Gpu gradient(100), losses(3), send(ones.size()), receive(ones.size()), all(ones.size());
  const int before = nccl_double().launches;
  comm->begin_all_reduce_sum(gradient.span().first(60));
  comm->begin_all_reduce_sum(gradient.span().subspan(60));
  comm->begin_all_reduce_sum(losses.span());
  comm->queue_begun();
  EXPECT_EQ(nccl_double().launches, before + 1);
  for (int part = 0; part < 2; ++part) {
    comm->begin_all_to_all(send.span(), ones, receive.span(), ones,
                           [&] { comm->begin_all_gather(receive.span().first(1), all.span(), ones); });
  }
  comm->queue_begun();
  EXPECT_EQ(nccl_double().launches, before + 3);
  comm->finish_begun();
}

// The additions of reproducible mode are work in the same queue.
TEST_F(NcclFaults, AThenComesInTheOrderOfTheQueue) {
  const std::unique_ptr<NcclCommunicator> comm = make();
  const auto size = static_cast<std::size_t>(mpi().size());
  const std::vector<std::int64_t> ones(size, 1);
  for (int round = 0; round < 20; ++round) {
    Gpu send(size), receive(size), all(size);
    comm->begin_all_to_all(send.span(), ones, receive.span(), ones, [&] {
      queue_on_double([sum = receive.span()] { sum[0] = std::accumulate(sum.begin(), sum.end(), 0.0F); });
      comm->begin_all_gather(receive.span().first(1), all.span(), ones);
    });
    comm->queue_begun();
    comm->finish_begun();
    EXPECT_EQ(all.values(), std::vector<float>(size, static_cast<float>(size)));
  }
}

// The backward pass goes on until the sum of the part that it completed first is there; what uses the sum comes after it.
TEST_F(NcclFaults, ASumBeginsAtItsMomentBesideTheQueue) {
  const std::unique_ptr<NcclCommunicator> comm = make();
  comm->set_timeout(Seconds(20));
  for (int round = 0; round < 20; ++round) {
    Gpu part(3), rest(3), seen(3);
    const float sum = 2.0F * static_cast<float>(mpi().size());
    const std::atomic_ref<float> last(part.span()[2]);
    queue_on_double([last] { last = 2; });
    Communicator::Moment const moment = moment_of_double();
    queue_on_double([last, sum] {
      while (last != sum) std::this_thread::yield();
    });
    comm->begin_all_reduce_sum_after(moment, part.span());
    comm->begin_all_reduce_sum(rest.span());
    comm->queue_begun();
    queue_on_double([from = part.span(), to = seen.span()] { std::ranges::copy(from, to.begin()); });
    comm->finish_begun();
    EXPECT_EQ(seen.values(), (std::vector<float>{sum / 2, sum / 2, sum}));
    EXPECT_EQ(rest.values(), std::vector<float>(3, sum / 2));
  }
}

// Here the queue has long done everything else when the last rank comes to its moment.
TEST_F(NcclFaults, TheQueueWaitsForASumBesideIt) {
  const std::unique_ptr<NcclCommunicator> comm = make();
  comm->set_timeout(Seconds(20));
  Gpu part(3), seen(3);
  comm->all_reduce_sum(part.span());
  std::atomic<bool> goes_on = !is_last();
  queue_on_double([&] {
    while (!goes_on) std::this_thread::yield();
  });
  comm->begin_all_reduce_sum_after(moment_of_double(), part.span());
  comm->queue_begun();
  queue_on_double([from = part.span(), to = seen.span()] { std::ranges::copy(from, to.begin()); });
  MPI_Barrier(MPI_COMM_WORLD);
  goes_on = true;
  comm->finish_begun();
  EXPECT_EQ(seen.values(), std::vector<float>(3, static_cast<float>(mpi().size() * mpi().size())));
}

TEST_F(NcclFaults, ARankThatDiesWithWorkInItsQueueIsNamed) {
  if (mpi().size() == 1) GTEST_SKIP() << "nobody else to die";
  std::unique_ptr<NcclCommunicator> comm = make();
  Gpu data(3);
  comm->all_reduce_sum(data.span());
  if (is_last()) nccl_double().fault = NcclFault::kHang;
  comm->set_step(7);
  comm->begin_all_reduce_sum(data.span());
  comm->queue_begun();
  comm->set_step(8);
  if (!is_last()) {
    const CommError error = caught([&] { comm->wait_queued([] { return false; }); });
    expect_deadline(error);
    expect_last_missing(error);
    EXPECT_EQ(error.collective(), "all_reduce_sum");
    EXPECT_EQ(error.sequence(), 2U);
    EXPECT_EQ(error.step(), 7);  // in which it was queued
    EXPECT_EQ(nccl_double().aborts, 1);
  }
  MPI_Barrier(MPI_COMM_WORLD);
  if (is_last()) throw_away(comm);
}

class NcclVersion : public NcclFaults, public testing::WithParamInterface<std::pair<int, bool>> {};

TEST_P(NcclVersion, MustBeOfTheSameMajorAndNotOlder) {
  const auto [offset, is_good] = GetParam();
  nccl_double().version = NCCL_VERSION_CODE + offset;
  if (is_good) {
    EXPECT_NO_THROW(check_nccl_version());
    return;
  }
  try {
    make();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    const int code = nccl_double().version;
    EXPECT_THAT(error.what(), HasSubstr(fmt::format("{}.{}.{} (", code / 10000, code / 100 % 100, code % 100)));
    EXPECT_THAT(error.what(), HasSubstr("LD_LIBRARY_PATH"));
    EXPECT_THAT(error.what(), HasSubstr("nccl_faults"));  // the file that the double was loaded from
  }
  EXPECT_EQ(nccl_double().live, 0);
}

INSTANTIATE_TEST_SUITE_P(, NcclVersion,
                         testing::Values(std::pair(0, true), std::pair(100, true), std::pair(1, true),
                                         std::pair(-1, false), std::pair(10000, false), std::pair(-10000, false)));

}  // namespace
}  // namespace charrnn::test
