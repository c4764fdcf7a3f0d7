// Device memory that MPI must not touch: forgetting a copy crashes the test.
#include "dist/host_memory.hpp"
#include "dist/host_staged_communicator.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {

std::unique_ptr<Communicator> make_subject(const MpiSession& session, Seconds timeout) {
  return std::make_unique<HostStagedCommunicator>(std::make_unique<MpiCommunicator>(session, timeout),
                                                  make_subject_memory(), timeout);
}

std::unique_ptr<DeviceMemory> make_subject_memory() {
  return std::make_unique<HostMemory>(false);
}

}  // namespace charrnn::test
