// What NcclCommunicator does when NCCL or the device fails, with a double that fails as it is told. Runs
// alone and under mpirun: every rank has the same fault.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nccl.h>

#include "dist/host_memory.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"
#include "dist/nccl_communicator.hpp"
#include "dist/nccl_double.hpp"

namespace charrnn::test {
namespace {

using testing::HasSubstr;

constexpr Seconds kTimeout{0.3};

class NcclFaults : public testing::Test {
 protected:
  NcclFaults() : control_(mpi(), Seconds(20)) { reset(); }
  ~NcclFaults() override { reset(); }

  static void reset() {
    nccl_double().fault = NcclFault::kNone;
    nccl_double().abort_hangs = false;
    nccl_double().version = 0;
    nccl_double().aborts = 0;
    nccl_double().live = 0;
    nccl_double().too_early = 0;
  }
  std::unique_ptr<NcclCommunicator> make() {
    control_.set_step(42);
    auto made = std::make_unique<NcclCommunicator>(control_, make_double_stream_events(),
                                                   std::make_unique<HostMemory>(true), Seconds(20));
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

  MpiCommunicator control_;
};

TEST_F(NcclFaults, WithoutFaultsNothingIsAborted) {
  make()->barrier();
  EXPECT_EQ(nccl_double().aborts, 0);
  EXPECT_EQ(nccl_double().live, 0);
  EXPECT_EQ(nccl_double().too_early, 0);
}

TEST_F(NcclFaults, AHangIsAbortedOnceAtTheDeadline) {
  expect_deadline(failure(NcclFault::kHang));
  EXPECT_EQ(nccl_double().aborts, 1);
  EXPECT_EQ(nccl_double().live, 0);
}

TEST_F(NcclFaults, ACollectiveThatNeverComesToTheStreamHangsToo) {
  expect_deadline(failure(NcclFault::kNeverEnqueued));
  EXPECT_EQ(nccl_double().aborts, 1);
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

TEST_F(NcclFaults, AnInitThatNeverEndsIsAbortedAtTheDeadline) {
  nccl_double().fault = NcclFault::kInitNeverEnds;
  const CommError error = caught([&] {
    control_.set_step(42);
    const NcclCommunicator made(control_, make_double_stream_events(), std::make_unique<HostMemory>(true), kTimeout);
  });
  expect_deadline(error);
  EXPECT_EQ(error.collective(), "init");
  EXPECT_EQ(error.step(), 42);
  EXPECT_TRUE(error.exit_at_once());
  EXPECT_EQ(nccl_double().aborts, 1);
}

TEST_F(NcclFaults, AnInitThatFailsLaterIsAborted) {
  nccl_double().fault = NcclFault::kInitAsyncError;
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
