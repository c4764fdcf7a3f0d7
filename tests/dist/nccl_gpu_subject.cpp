// Real NCCL on real GPUs, one a rank; where there are fewer they share them.
#include <cstdlib>

#include "dist/cuda_runtime.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/nccl_communicator.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {

namespace {

/// NCCL refuses two ranks on one GPU of one host. With hosts of their own it joins them over sockets.
void pass_for_hosts(int rank) {
  ::setenv("NCCL_HOSTID", fmt::format("n{}", rank).c_str(), 0);
  ::setenv("NCCL_SOCKET_IFNAME", "lo", 0);
  ::setenv("NCCL_NET", "Socket", 0);
  ::setenv("NCCL_MNNVL_ENABLE", "0", 0);
  ::setenv("NCCL_MAX_CTAS", "2", 0);  // the ranks' kernels take turns
}

}  // namespace

std::string cannot_run(const MpiSession& /*session*/) {
  return cuda_device_count() == 0 ? "no GPU here" : "";
}

std::unique_ptr<Communicator> make_subject(const MpiSession& session, Seconds timeout) {
  const int count = cuda_device_count();
  if (session.local_size() > count) pass_for_hosts(session.rank());
  select_cuda_device(session.local_rank() % count);
  MpiCommunicator control(session, Seconds(60));
  return std::make_unique<NcclCommunicator>(control, make_cuda_stream_events(), make_cuda_memory(), timeout);
}

std::unique_ptr<DeviceMemory> make_subject_memory() {
  return make_cuda_memory();
}

std::function<bool()> mark_of_subject() {
  const std::shared_ptr<StreamEvents> events = make_cuda_stream_events();
  return [events, mark = events->record()] { return events->has_passed(mark); };
}

Communicator::Moment moment_of_subject() {
  static const std::unique_ptr<StreamEvents> events = make_cuda_stream_events();
  events->record();
  return events->latest();
}

std::string wrong_after(const CommError& error) {
  return error.exit_at_once() ? "" : "exit_at_once is false";
}

}  // namespace charrnn::test
