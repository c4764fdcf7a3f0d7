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
  return make_double_memory();
}

std::function<bool()> mark_of_subject() {
  const std::shared_ptr<StreamEvents> events = make_double_stream_events();
  return [events, mark = events->record()] { return events->has_passed(mark); };
}

Communicator::Moment moment_of_subject() {
  return moment_of_double();
}

std::string wrong_after(const CommError& error) {
  if (!error.exit_at_once()) return "exit_at_once is false";
  if (nccl_double().aborts_under != 0) return "aborted under a thread that hangs";
  // A communicator that a thread hangs in is left as it is.
  const int aborts = nccl_double().aborts, live = nccl_double().live;
  if (aborts + live != 1) return fmt::format("{} aborts, {} communicators are left", aborts, live);
  if (nccl_double().without_device != 0) return "a thread called NCCL without its device";
  return "";
}

}  // namespace charrnn::test
