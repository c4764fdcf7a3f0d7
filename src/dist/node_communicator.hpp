// Collectives over MPI, but sums within a node through memory that its ranks share.
#pragma once

#include <memory>
#include <string>

#include "base/host.hpp"
#include "base/warn.hpp"
#include "dist/mpi_communicator.hpp"

namespace charrnn {

/// Sums of numbers in memory_for_sums() are hierarchical: each rank adds up its share of the numbers of its node, MPI sums
/// that over the nodes, and the rank gives the result to all of its node. Everything else is as with MPI.
class NodeCommunicator final : public MpiCommunicator {
 public:
  /// Collective. `warn` hears if ranks of a node cannot share memory. `node`: ranks with the same name try to share.
  NodeCommunicator(const MpiSession& session, Seconds timeout, Warn warn, std::string node = host_name());
  ~NodeCommunicator() override;

  std::string name() const override;
  /// Once.
  std::span<float> memory_for_sums(std::size_t floats) override;
  using MpiCommunicator::all_reduce_sum;
  void all_reduce_sum(std::span<float> data) override;
  void begin_all_reduce_sum(std::span<float> data) override;
  void poll() override;
  void finish_begun() override;

 protected:
  bool exits_at_once() const override { return is_splitting_; }

 private:
  struct Sums;

  /// Connects the ranks of all nodes that have this share of a sum.
  void split_by_share(int share);

  Warn warn_;
  std::string node_;
  std::unique_ptr<Sums> sums_;  ///< null: no memory is shared
  bool is_splitting_ = false;   ///< a thread is in MPI, or hangs there
};

}  // namespace charrnn
