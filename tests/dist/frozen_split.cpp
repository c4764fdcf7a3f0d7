// Four ranks on two nodes, of which the last one freezes in MPI_Comm_split; the others end as the program does, by run_job.
// MPI's profiling interface lets this file have that call, and do it by another name.
#include <mpi.h>
#include <unistd.h>

#include "app/job.hpp"
#include "dist/node_communicator.hpp"

using namespace charrnn;

extern "C" int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm* part) {
  int rank = 0, size = 0;
  PMPI_Comm_rank(comm, &rank);
  PMPI_Comm_size(comm, &size);
  while (rank == size - 1) ::pause();
  return PMPI_Comm_split(comm, color, key, part);
}

int main() {
  const auto work = [](Job& job) {
    NodeCommunicator subject(
        job.mpi, Seconds(2), [](const std::string& line) { throw Error(ExitCode::kBug, line); },
        std::to_string(job.mpi.rank() % 2));
    subject.memory_for_sums(1000);
    return ExitCode::kDone;
  };
  return static_cast<int>(run_job(work, "use fewer ranks"));
}
