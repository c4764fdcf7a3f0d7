// Which validation of a run was the best one, and how long ago.
#pragma once

#include <cstdint>
#include <span>

#include "checkpoint/checkpoint.hpp"

namespace charrnn {

/// Takes note of a validation if it is the best so far: its loss is below all before it, and below that of a uniform
/// guess among `symbols`. Returns whether it is.
bool take_if_best(Checkpoint::Progress& progress, const ValidationRecord& validation, std::int64_t symbols);

/// How many of them came after the one with the lowest loss, whatever a uniform guess would have; all, if none is a
/// number. `patience` goes by it.
std::int64_t validations_since_lowest(std::span<const ValidationRecord> validations);

}  // namespace charrnn
