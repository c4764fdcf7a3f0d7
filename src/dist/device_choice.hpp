// Which processor a rank computes on.
#pragma once

#include <functional>
#include <string>

#include "base/device.hpp"

namespace charrnn {

/// `option` is "cpu", "cuda" or "auto": a GPU if the rank sees one, else the CPU (which a CUDA build says through
/// `note`). Of several GPUs it takes number `local_rank`, starting again at 0 where there are more ranks. ConfigError
/// for cuda where there is none.
Device choose_device(const std::string& option, int local_rank,
                     const std::function<void(const std::string&)>& note);

}  // namespace charrnn
