// Collectives on device memory through a communicator that works in host memory: every call copies to the
// host, runs there and copies back. For GPUs that NCCL cannot join. Only in the CUDA build.
#pragma once

#include <memory>

#include "dist/communicator.hpp"
#include "dist/device_memory.hpp"

namespace charrnn {

/// Spans lie in memory of `memory`. Calls are counted, timed and named by `host`, which this owns.
class HostStagedCommunicator final : public Communicator {
 public:
  HostStagedCommunicator(std::unique_ptr<Communicator> host, std::unique_ptr<DeviceMemory> memory, Seconds timeout);

  int rank() const override { return host_->rank(); }
  int size() const override { return host_->size(); }
  std::string name() const override { return host_->name() + " through host memory"; }

  void all_reduce_sum(std::span<float> data) override;
  void all_reduce_sum(std::span<double> data) override;
  void all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts, std::span<float> receive,
                  std::span<const std::int64_t> receive_counts) override;
  void all_gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts) override;
  void gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts,
              int root) override;
  void broadcast(std::span<std::byte> data, int root) override;
  void barrier() override;

 private:
  /// Counts the call and hands step and deadline on.
  Communicator& begin();
  template <class T>
  std::vector<T> to_host(std::span<const T> data);
  template <class T>
  void to_device(std::span<T> data, const std::vector<T>& host);

  std::unique_ptr<Communicator> host_;
  std::unique_ptr<DeviceMemory> memory_;
};

}  // namespace charrnn
