// Sums the gradients of all ranks.
#pragma once

#include <span>

#include "dist/communicator.hpp"

namespace charrnn {

/// The default reduction: one all-reduce of the flat gradient.
class GradientReducer {
 public:
  explicit GradientReducer(Communicator& communicator) : communicator_(communicator) {}

  /// In place; afterwards every rank has the sum.
  void reduce(std::span<float> gradient, std::int64_t step) {
    communicator_.set_step(step);
    if (communicator_.size() > 1) communicator_.all_reduce_sum(gradient);
  }

 private:
  Communicator& communicator_;
};

}  // namespace charrnn
