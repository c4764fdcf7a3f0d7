// What a run is, in lines for a person.
#pragma once

#include <string>
#include <vector>

#include "train/observer.hpp"

namespace charrnn {

/// Lines such as "model       lstm, 2 x 512, …".
std::vector<std::string> start_lines(const RunFacts& facts);

}  // namespace charrnn
