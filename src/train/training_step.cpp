#include "train/training_step.hpp"

namespace charrnn {

std::unique_ptr<TrainingStep> make_training_step(const StepParts& parts, const Sharding& sharding, PhaseClock& clock) {
  return parts.device != nullptr ? make_queued_step(parts, sharding, clock) : make_host_step(parts, sharding, clock);
}

}  // namespace charrnn
