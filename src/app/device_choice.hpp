// --device: which processor a rank computes on.
#pragma once

#include <string>

#include "base/device.hpp"
#include "checkpoint/store.hpp"

namespace charrnn {

/// auto: a GPU if the rank sees one, else the CPU (which a CUDA build says once, through `note`). Of several
/// GPUs it is number `local_rank`, starting again at 0 where there are more ranks. UsageError for cuda where
/// there is none.
Device choose_device(const std::string& option, int local_rank, const Warn& note);

}  // namespace charrnn
