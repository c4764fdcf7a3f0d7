#include "dist/host_memory.hpp"
#include "dist/self_communicator.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {

std::string cannot_run(const MpiSession&) {
  return "";
}

std::unique_ptr<Communicator> make_subject(const MpiSession&, Seconds timeout) {
  auto alone = std::make_unique<SelfCommunicator>();
  alone->set_timeout(timeout);
  return alone;
}

std::unique_ptr<DeviceMemory> make_subject_memory() {
  return std::make_unique<HostMemory>(true);
}

std::function<bool()> mark_of_subject() {
  return [] { return true; };  // nothing is queued in host memory
}

Communicator::Moment moment_of_subject() {
  return nullptr;
}

std::string wrong_after(const CommError&) {
  return "nothing can fail with one rank";
}

}  // namespace charrnn::test
