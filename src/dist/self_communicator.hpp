// One rank alone, without MPI.
#pragma once

#include <algorithm>

#include "dist/control_communicator.hpp"

namespace charrnn {

/// The collectives of a single rank: sums and broadcasts leave everything as it is, gathers copy.
///
///     SelfCommunicator alone;
///     Training training(config, text, alone);
class SelfCommunicator final : public ControlCommunicator {
 public:
  SelfCommunicator() : ControlCommunicator(Seconds(60)) {}

  int rank() const override { return 0; }
  int size() const override { return 1; }
  int local_rank() const override { return 0; }
  std::string name() const override { return "nothing (one rank)"; }

  void all_reduce_sum(std::span<float> /*data*/) override { count_call(); }
  void all_reduce_sum(std::span<double> /*data*/) override { count_call(); }
  void all_to_all(std::span<const float> send, std::span<const std::int64_t> /*send_counts*/, std::span<float> receive,
                  std::span<const std::int64_t> /*receive_counts*/) override {
    copy(send, receive);
  }
  void all_gather(std::span<const float> mine, std::span<float> all,
                  std::span<const std::int64_t> /*counts*/) override {
    copy(mine, all);
  }
  void gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> /*counts*/,
              int /*root*/) override {
    copy(mine, all);
  }
  void broadcast(std::span<std::byte> /*data*/, int /*root*/) override { count_call(); }
  void barrier() override { count_call(); }

  /// Another one, whatever the device: the sum over one rank touches no memory.
  std::unique_ptr<Communicator> make_gradient_communicator(const std::string& kind, Device /*device*/, Seconds timeout,
                                                           const Warn& /*warn*/) override {
    require_option(kind != "nccl", "comm", "`comm` nccl is for ranks of an MPI job, and this process is alone");
    auto communicator = std::make_unique<SelfCommunicator>();
    communicator->set_timeout(timeout);
    return communicator;
  }

 private:
  void copy(std::span<const float> from, std::span<float> to) {
    count_call();
    std::ranges::copy(from, to.begin());
  }
};

}  // namespace charrnn
