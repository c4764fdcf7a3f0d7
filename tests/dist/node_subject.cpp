// Ranks that share memory; with CHARRNN_TEST_NODES they believe to be on so many nodes.
#include <map>

#include "dist/host_memory.hpp"
#include "dist/node_communicator.hpp"
#include "dist/subject.hpp"

namespace charrnn::test {

namespace {

/// What the subjects share, from its beginning to its end. Ranks have buffers of different sizes: their numbers of one
/// sum lie at different places.
std::span<float> rest_of_memory;

/// Memory for sums where some is left, and other.
class NodeMemory final : public DeviceMemory {
 public:
  void* allocate(std::size_t bytes) override {
    const std::size_t floats = (bytes + sizeof(float) - 1) / sizeof(float);
    if (floats > rest_of_memory.size()) return other_.allocate(bytes);
    void* const memory = rest_of_memory.data();
    rest_of_memory = rest_of_memory.subspan(floats);
    is_shared_ = true;
    return memory;
  }
  void release(void* memory) override {
    if (!is_shared_) other_.release(memory);
  }
  void to_host(void* host, const void* device, std::size_t bytes) override { std::memcpy(host, device, bytes); }
  void to_device(void* device, const void* host, std::size_t bytes) override { std::memcpy(device, host, bytes); }

 private:
  HostMemory other_{true};
  bool is_shared_ = false;
};

}  // namespace

std::unique_ptr<Communicator> make_subject(const MpiSession& session, Seconds timeout) {
  const std::string node = std::to_string(session.rank() % CHARRNN_TEST_NODES);
  auto subject = std::make_unique<NodeCommunicator>(
      session, timeout, [](const std::string& line) { throw Error(ExitCode::kBug, line); }, node);
  rest_of_memory = subject->memory_for_sums(4'000'000);
  const bool shares = session.size() > CHARRNN_TEST_NODES;
  require(shares != rest_of_memory.empty(), "{} ranks share {} floats", session.size(), rest_of_memory.size());
  return subject;
}

std::unique_ptr<DeviceMemory> make_subject_memory() {
  return std::make_unique<NodeMemory>();
}

}  // namespace charrnn::test
