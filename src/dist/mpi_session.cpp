#include "dist/mpi_session.hpp"

#include <mpi.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/error.hpp"

namespace charrnn {

namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t g_exit_code = 0;

extern "C" void end_process(int) {
  ::_exit(g_exit_code);
}

/// Ends this process with the code unless alarm(0) comes first.
void end_after(unsigned seconds, int code) {
  g_exit_code = code;
  std::signal(SIGALRM, end_process);
  ::alarm(seconds);
}

}  // namespace

MpiSession::MpiSession() {
  // Open MPI 4.1's default way of exchanging addresses crashes or hangs about one start in fifty on a busy
  // machine.
  ::setenv("PMIX_MCA_gds", "hash", /*overwrite=*/0);
  // Open MPI's own report of a crash allocates memory, and hangs where the heap is what is broken.
  ::setenv("OMPI_MCA_opal_signal", "", /*overwrite=*/0);
  int provided = 0;
  // Serialized: while rank 0 works alone, a second thread speaks for it (on_root).
  const int error = MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  require<UsageError>(error == MPI_SUCCESS && provided >= MPI_THREAD_SERIALIZED,
                      "MPI does not start (code {}, thread level {})", error, provided);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
  MPI_Comm_rank(node, &local_rank_);
  MPI_Comm_size(node, &local_size_);
  MPI_Comm_free(&node);
}

MpiSession::~MpiSession() {
  // There is no MPI_Finalize that can be polled. All that the process has to say has been said before.
  std::fflush(nullptr);
  end_after(std::max(1U, static_cast<unsigned>(std::lround(patience_))), exit_code_);
  MPI_Finalize();
  ::alarm(0);
}

void MpiSession::abort(int code) {
  // MPI_Abort talks to the launcher, which may be gone too: the alarm then ends this process all the same.
  constexpr unsigned kSeconds = 10;
  end_after(kSeconds, code);
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

}  // namespace charrnn
