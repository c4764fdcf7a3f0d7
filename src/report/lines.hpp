// What a run is and what it gives, in lines for a person: what the screen and the log share.
#pragma once

#include <string>
#include <vector>

#include "train/observer.hpp"

namespace charrnn {

/// Lines such as "model       lstm, 2 x 512, …".
std::vector<std::string> start_lines(const RunFacts& facts);

/// The heading of the table of epochs.
std::string epoch_heading();
std::string epoch_line(const EpochReport& report);
std::string validation_line(const ValidationReport& report);
/// "step 1,234 is left out: its loss is nan, …".
std::string skip_line(const SkipReport& report);
/// Of a run that is done. The last one is about the checkpoint to use: the last one of the run, or the best.
std::vector<std::string> end_lines(const EndReport& report);
/// "scale of about 310 columns, over the last fifty steps …".
std::string noise_line(double columns);
/// "forward 31 %, backward 60 %, …", largest first, what is less than half a percent left out.
std::string phases_line(const PhaseReport& report);

}  // namespace charrnn
