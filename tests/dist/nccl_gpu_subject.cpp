// Real NCCL on real GPUs, one a rank.
#include "dist/cuda_runtime.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/nccl_communicator.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {

std::string cannot_run(const MpiSession& session) {
  const int count = cuda_device_count();
  if (count == 0) return "no GPU here";
  if (count < session.local_size()) return fmt::format("{} ranks, but {} GPUs here", session.local_size(), count);
  return "";
}

std::unique_ptr<Communicator> make_subject(const MpiSession& session, Seconds timeout) {
  select_cuda_device(session.local_rank());
  MpiCommunicator control(session, Seconds(60));
  return std::make_unique<NcclCommunicator>(control, make_cuda_stream_events(), make_cuda_memory(), timeout);
}

std::unique_ptr<DeviceMemory> make_subject_memory() {
  return make_cuda_memory();
}

std::string wrong_after(const CommError& error) {
  return error.exit_at_once() ? "" : "exit_at_once is false";
}

}  // namespace charrnn::test
