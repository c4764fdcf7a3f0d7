// main for GoogleTest programs under mpirun. Every rank runs every test. Rank 0 prints; the others print
// failures only. All ranks end with 1 if a test failed on any of them.
#include <gtest/gtest.h>
#include <mpi.h>
#include <sched.h>

#include <chrono>
#include <cstdio>

#include "dist/mpi_test.hpp"

namespace {

const charrnn::MpiSession* session = nullptr;

class FailuresOnly : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
    std::fprintf(stderr, "[rank %d] %s: %s:%d: %s\n", session->rank(), test != nullptr ? test->name() : "?",
                 result.file_name() != nullptr ? result.file_name() : "?", result.line_number(), result.message());
  }
};

/// Did any rank fail? A rank that doesn't come to say so within some seconds failed too.
bool any_failed(bool mine) {
  int failures = mine ? 1 : 0;
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_Iallreduce(MPI_IN_PLACE, &failures, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &request);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(15);
  for (int done = 0; done == 0;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (std::chrono::steady_clock::now() > limit) charrnn::MpiSession::abort(1);
    sched_yield();
  }
  return failures > 0;
}

}  // namespace

namespace charrnn::test {
const MpiSession& mpi() {
  return *session;
}
}  // namespace charrnn::test

int main(int argc, char** argv) {
  const charrnn::MpiSession started;
  session = &started;
  testing::InitGoogleTest(&argc, argv);
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  if (session->rank() != 0) {
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailuresOnly);
  }
  const int result = RUN_ALL_TESTS();
  return any_failed(result != 0) ? 1 : 0;
}
