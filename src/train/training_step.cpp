#include "train/training_step.hpp"

#include "train/step_device.hpp"

namespace charrnn {

std::unique_ptr<TrainingStep> make_training_step(const StepParts& parts, const Sharding& sharding, PhaseClock& clock) {
  return parts.device != nullptr ? parts.device->make_step(parts, sharding, clock)
                                 : make_host_step(parts, sharding, clock);
}

}  // namespace charrnn
