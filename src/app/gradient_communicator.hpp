// --comm: what sums the gradients.
#pragma once

#include <memory>
#include <string>

#include "app/job.hpp"
#include "base/device.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

class GradientCommunicator {
 public:
  GradientCommunicator(const std::string& option, Device device, Job& job, Seconds timeout);
  Communicator& communicator() const { return *communicator_; }
  std::string name() const { return communicator_->name(); }

 private:
  std::unique_ptr<Communicator> communicator_;
};

}  // namespace charrnn
