#include "train/step_agreement.hpp"

#include <algorithm>

#include "train/micro_batch_sum.hpp"

namespace charrnn {

StepNumbers agree_on_step(Communicator& control, const Sharding& sharding, std::span<const double> losses,
                          double gradient_norm, const StepFlags& flags) {
  std::array<double, kStepFlags.size() + 1> shared{};
  std::ranges::transform(kStepFlags, shared.begin(), [&](auto flag) { return flags.*flag ? 1.0 : 0.0; });
  if (control.rank() == 0) shared.back() = gradient_norm;
  StepNumbers all{.loss_sum = sum_over_micro_batches(control, sharding, losses, shared),
                  .gradient_norm = shared.back()};
  for (std::size_t i = 0; i < kStepFlags.size(); ++i) all.flags.*kStepFlags[i] = shared[i] > 0;
  return all;
}

}  // namespace charrnn
