// --comm: what sums the gradients.
#pragma once

#include <memory>
#include <string>

#include "app/job.hpp"
#include "base/device.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

/// auto: NCCL if the ranks compute on GPUs, else MPI. mpi on GPUs goes through host memory. UsageError for
/// nccl without GPUs or in a build without CUDA, for ranks of which only some have a GPU, and for two ranks
/// on one GPU. Collective over job.control. The communicator works on the memory in which `device` has the
/// gradients.
class GradientCommunicator {
 public:
  GradientCommunicator(const std::string& option, Device device, Job& job, Seconds timeout);
  Communicator& communicator() const { return *communicator_; }
  std::string name() const { return communicator_->name(); }

 private:
  std::unique_ptr<Communicator> communicator_;
};

}  // namespace charrnn
