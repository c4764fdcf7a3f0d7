// Collectives over MPI in host memory: non-blocking calls, polled until the deadline.
#pragma once

#include <memory>

#include "dist/control_communicator.hpp"
#include "dist/mpi_session.hpp"

namespace charrnn {

class MpiCommunicator : public ControlCommunicator {
 public:
  /// Collective over all ranks of the session, which must outlive it.
  MpiCommunicator(const MpiSession& session, Seconds timeout);
  ~MpiCommunicator() override;

  int rank() const override;
  int size() const override;
  int local_rank() const override { return session_.local_rank(); }
  std::string name() const override { return "MPI"; }

  void all_reduce_sum(std::span<float> data) override;
  void all_reduce_sum(std::span<double> data) override;
  void all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts, std::span<float> receive,
                  std::span<const std::int64_t> receive_counts) override;
  void all_gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts) override;
  void gather(std::span<const float> mine, std::span<float> all, std::span<const std::int64_t> counts,
              int root) override;
  void broadcast(std::span<std::byte> data, int root) override;
  void barrier() override;
  void begin_all_reduce_sum(std::span<float> data) override;
  void begin_all_to_all(std::span<const float> send, std::span<const std::int64_t> send_counts,
                        std::span<float> receive, std::span<const std::int64_t> receive_counts, Then then) override;
  void begin_all_gather(std::span<const float> mine, std::span<float> all,
                        std::span<const std::int64_t> counts) override;
  void poll() override;
  void finish_begun() override;
  /// In gradient_communicator.cpp.
  std::unique_ptr<Communicator> make_gradient_communicator(const std::string& kind, Device device, Seconds timeout,
                                                           const Warn& warn) override;

 protected:
  /// Throws CommError if MPI's `code` says that a call failed.
  void check(const Call& call, int code) const;
  /// Whether a `then` is running.
  bool runs_then() const;

 private:
  struct Handle;

  template <class T>
  void begin_sum(std::span<T> data);

  const MpiSession& session_;
  std::unique_ptr<Handle> handle_;
};

}  // namespace charrnn
