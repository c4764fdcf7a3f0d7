#include "dist/host_memory.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/nccl_communicator.hpp"
#include "dist/nccl_double.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {

std::string cannot_run(const MpiSession&) {
  return "";
}

std::unique_ptr<Communicator> make_subject(const MpiSession& session, Seconds timeout) {
  MpiCommunicator control(session, Seconds(20));
  return std::make_unique<NcclCommunicator>(control, make_double_stream_events(), make_subject_memory(), timeout);
}

std::unique_ptr<DeviceMemory> make_subject_memory() {
  return std::make_unique<HostMemory>(true);
}

std::string wrong_after(const CommError& error) {
  if (!error.exit_at_once()) return "exit_at_once is false";
  if (nccl_double().aborts != 1) return fmt::format("{} aborts", nccl_double().aborts.load());
  if (nccl_double().live != 0) return "a communicator is left";
  return "";
}

}  // namespace charrnn::test
