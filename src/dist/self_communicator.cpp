#include "dist/self_communicator.hpp"

#include <algorithm>

namespace charrnn {

void SelfCommunicator::all_reduce_sum(std::span<float> /*data*/) {
  count_call();
}

void SelfCommunicator::all_reduce_sum(std::span<double> /*data*/) {
  count_call();
}

void SelfCommunicator::all_to_all(std::span<const float> send, std::span<const std::int64_t> /*send_counts*/,
                                  std::span<float> receive,
                                  std::span<const std::int64_t> /*receive_counts*/) {
  count_call();
  std::ranges::copy(send, receive.begin());
}

void SelfCommunicator::all_gather(std::span<const float> mine, std::span<float> all,
                                  std::span<const std::int64_t> /*counts*/) {
  count_call();
  std::ranges::copy(mine, all.begin());
}

void SelfCommunicator::gather(std::span<const float> mine, std::span<float> all,
                              std::span<const std::int64_t> /*counts*/, int /*root*/) {
  count_call();
  std::ranges::copy(mine, all.begin());
}

void SelfCommunicator::broadcast(std::span<std::byte> /*data*/, int /*root*/) {
  count_call();
}

void SelfCommunicator::barrier() {
  count_call();
}

std::unique_ptr<Communicator> SelfCommunicator::make_gradient_communicator(const std::string& kind,
                                                                           Device /*device*/,
                                                                           Seconds timeout) {
  require_option(kind != "nccl", "comm", "`comm` nccl is for ranks of an MPI job, and this process is alone");
  auto communicator = std::make_unique<SelfCommunicator>();
  communicator->set_timeout(timeout);
  return communicator;
}

}  // namespace charrnn
