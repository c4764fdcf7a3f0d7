// Device memory that MPI must not touch: forgetting a copy crashes the test.
#include "dist/host_memory.hpp"
#include "dist/host_staged_communicator.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {

std::string cannot_run(const MpiSession&) {
  return "";
}

std::unique_ptr<Communicator> make_subject(const MpiSession& session, Seconds timeout) {
  return std::make_unique<HostStagedCommunicator>(std::make_unique<MpiCommunicator>(session, timeout),
                                                  make_subject_memory(), timeout);
}

std::unique_ptr<DeviceMemory> make_subject_memory() {
  return std::make_unique<HostMemory>(false);
}

std::function<bool()> mark_of_subject() {
  return [] { return true; };  // nothing is queued in host memory
}

Communicator::Moment moment_of_subject() {
  return nullptr;
}

std::string wrong_after(const CommError& error) {
  return error.exit_at_once() ? "MPI can be left in order" : "";
}

}  // namespace charrnn::test
