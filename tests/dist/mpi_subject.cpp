#include "dist/host_memory.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {

std::unique_ptr<Communicator> make_subject(const MpiSession& session, Seconds timeout) {
  return std::make_unique<MpiCommunicator>(session, timeout);
}

std::unique_ptr<DeviceMemory> make_subject_memory() {
  return std::make_unique<HostMemory>(true);
}

}  // namespace charrnn::test
