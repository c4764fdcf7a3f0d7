// Which validation of a run was the best one, and how long ago.
#pragma once

#include <cstdint>
#include <span>

#include "checkpoint/checkpoint.hpp"

namespace charrnn {

/// Takes note of a validation if it is the best so far: its loss is below all before it, and below that of a uniform
/// guess among `symbols`. Returns whether it is.
bool take_if_best(Checkpoint::Progress& progress, const ValidationRecord& validation, std::int64_t symbols);

/// A run that `max-steps` cut off within an epoch has closed with a validation of its own, which must not decide how it
/// goes on: where that was the best one, the best of `validations`, those of the undisturbed run, takes its place.
void forget_closing_validation(Checkpoint::Progress& progress, std::span<const ValidationRecord> validations,
                               std::int64_t symbols);

}  // namespace charrnn
