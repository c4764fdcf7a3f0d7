// The communicator of a job for everything but gradients.
#pragma once

#include <memory>
#include <string>

#include "base/device.hpp"
#include "base/warn.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

/// Carries flags, hidden states and agreements in host memory, and knows how to make a communicator for gradients.
/// Implementations: MpiCommunicator for the ranks of an MPI job, SelfCommunicator for a process alone.
class ControlCommunicator : public Communicator {
 public:
  /// This rank's number among the ranks of its node.
  virtual int local_rank() const = 0;

  /// A communicator of the same ranks that works on the memory in which `device` has the gradients. `kind` is
  /// "auto" (NCCL if the ranks compute on GPUs; else memory that the ranks of a node share, and MPI between nodes), "mpi"
  /// (on GPUs through host memory) or "nccl". ConfigError
  /// for a kind that cannot be had, UsageError for ranks of which only some have a GPU and for two ranks on one GPU.
  /// `warn` hears, on every rank, of what will make it slow. Collective.
  virtual std::unique_ptr<Communicator> make_gradient_communicator(const std::string& kind, Device device,
                                                                   Seconds timeout, const Warn& warn) = 0;

 protected:
  using Communicator::Communicator;
};

}  // namespace charrnn
