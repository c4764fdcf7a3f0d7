// What the ranks tell each other in every step.
#pragma once

#include <array>
#include <span>

#include "data/sharding.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

/// After a step each is set on all ranks if it was on one.
struct StepFlags {
  bool stop = false;   ///< this rank was told to stop
  bool save = false;   ///< a checkpoint is due
  bool saved = false;  ///< it is known what became of the checkpoint that was being written
};

/// In the order in which they travel.
inline constexpr std::array kStepFlags{&StepFlags::stop, &StepFlags::save, &StepFlags::saved};

struct StepNumbers {
  double loss_sum = 0;       ///< over all micro-batches, along the tree: the same bits for every number of ranks
  double gradient_norm = 0;  ///< rank 0's: another kind of processor or GPU adds the same gradient up in another order
  StepFlags flags = {};
};

/// From `losses` of this rank's micro-batches, the norm that it computed, and its flags. Collective; every rank gets the
/// same, and so takes the same decisions.
StepNumbers agree_on_step(Communicator& control, const Sharding& sharding, std::span<const double> losses,
                          double gradient_norm, const StepFlags& flags);

}  // namespace charrnn
