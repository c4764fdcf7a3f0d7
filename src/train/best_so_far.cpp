#include "train/best_so_far.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace charrnn {

bool take_if_best(Checkpoint::Progress& progress, const ValidationRecord& validation, std::int64_t symbols) {
  const double uniform_guess = std::log(static_cast<double>(symbols));
  const double limit = std::min(progress.best_val_loss, uniform_guess);
  if (!(validation.loss < limit)) return false;  // also what is not a number
  progress.best_val_loss = validation.loss;
  progress.best_step = validation.step;
  return true;
}

std::int64_t validations_since_lowest(std::span<const ValidationRecord> validations) {
  double lowest = std::numeric_limits<double>::infinity();
  std::int64_t since = 0;
  for (const ValidationRecord& validation : validations) {
    ++since;
    if (!(validation.loss < lowest)) continue;
    lowest = validation.loss;
    since = 0;
  }
  return since;
}

}  // namespace charrnn
