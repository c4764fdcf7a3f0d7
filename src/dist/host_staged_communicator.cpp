#include "dist/host_staged_communicator.hpp"

#include <utility>

namespace charrnn {

HostStagedCommunicator::HostStagedCommunicator(std::unique_ptr<Communicator> host, std::unique_ptr<DeviceMemory> memory,
                                               Seconds timeout)
    : Communicator(timeout), host_(std::move(host)), memory_(std::move(memory)) {}

Communicator& HostStagedCommunicator::begin() {
  count_call();
  host_->set_step(step());
  host_->set_timeout(timeout());
  return *host_;
}

template <class T>
std::vector<T> HostStagedCommunicator::to_host(std::span<const T> data) {
  std::vector<T> host(data.size());
  if (!data.empty()) memory_->to_host(host.data(), data.data(), data.size_bytes());
  return host;
}

template <class T>
void HostStagedCommunicator::to_device(std::span<T> data, const std::vector<T>& host) {
  if (!data.empty()) memory_->to_device(data.data(), host.data(), data.size_bytes());
}

void HostStagedCommunicator::all_reduce_sum(std::span<float> data) {
  std::vector<float> staged = to_host<float>(data);
  begin().all_reduce_sum(std::span(staged));
  to_device(data, staged);
}

void HostStagedCommunicator::all_reduce_sum(std::span<double> data) {
  std::vector<double> staged = to_host<double>(data);
  begin().all_reduce_sum(std::span(staged));
  to_device(data, staged);
}

void HostStagedCommunicator::all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                                        std::span<float> receive, std::span<const std::int64_t> receive_counts) {
  const std::vector<float> staged = to_host(send);
  std::vector<float> result(receive.size());
  begin().all_to_all(staged, send_counts, result, receive_counts);
  to_device(receive, result);
}

void HostStagedCommunicator::all_gather(std::span<const float> mine, std::span<float> all,
                                        std::span<const std::int64_t> counts) {
  const std::vector<float> staged = to_host(mine);
  std::vector<float> result(all.size());
  begin().all_gather(staged, result, counts);
  to_device(all, result);
}

void HostStagedCommunicator::gather(std::span<const float> mine, std::span<float> all,
                                    std::span<const std::int64_t> counts, int root) {
  const std::vector<float> staged = to_host(mine);
  std::vector<float> result(rank() == root ? all.size() : 0);
  begin().gather(staged, result, counts, root);
  if (rank() == root) to_device(all, result);
}

void HostStagedCommunicator::broadcast(std::span<std::byte> data, int root) {
  std::vector<std::byte> staged = to_host<std::byte>(data);
  begin().broadcast(staged, root);
  to_device(data, staged);
}

void HostStagedCommunicator::barrier() {
  begin().barrier();
}

}  // namespace charrnn
