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
  progress.validations_since_best = 0;
  return true;
}

void forget_closing_validation(Checkpoint::Progress& progress, std::span<const ValidationRecord> validations,
                               std::int64_t symbols) {
  const auto is_best = [&](const ValidationRecord& validation) { return validation.step == progress.best_step; };
  if (progress.best_step == 0 || std::any_of(validations.begin(), validations.end(), is_best)) return;
  progress.best_val_loss = std::numeric_limits<double>::infinity();
  progress.best_step = progress.validations_since_best = 0;
  for (const ValidationRecord& validation : validations) {
    ++progress.validations_since_best;
    take_if_best(progress, validation, symbols);
  }
}

}  // namespace charrnn
