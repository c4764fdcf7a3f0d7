// Results of a run, in lines for a person: what the screen and the log share.
#pragma once

#include <string>

#include "train/observer.hpp"

namespace charrnn {

/// The heading of the table of epochs.
std::string epoch_heading();
std::string epoch_line(const EpochReport& report);
std::string validation_line(const ValidationReport& report);
/// "forward 31 %, backward 60 %, …", largest first, what is less than half a percent left out.
std::string phases_line(const PhaseReport& report);

}  // namespace charrnn
