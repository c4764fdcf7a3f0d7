// What a resumed run may change.
#pragma once

#include <string>
#include <vector>

#include "config/option_table.hpp"

namespace charrnn {

/// Holds the config that a resumed run asks for, `now`, against `then`, the one in the checkpoint. ConfigError if an
/// option that must stay has changed, naming both values and what to do. The result has a line for each other change,
/// such as "`learning-rate` 0.001 -> 0.0005".
///
/// In reproducible mode what decides the bits must stay; `threads_decide_bits` says whether `threads` belongs to that.
Strings changes_on_resume(const RunConfig& then, const RunConfig& now, bool threads_decide_bits,
                          const std::string& checkpoint);

}  // namespace charrnn
