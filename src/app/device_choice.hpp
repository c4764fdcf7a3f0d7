// --device: which processor a rank computes on.
#pragma once

#include <string>

#include "base/device.hpp"
#include "checkpoint/store.hpp"

namespace charrnn {

/// auto: this node's GPU number `local_rank` if there are GPUs, else the CPU (which a CUDA build says once,
/// through `note`). UsageError for cuda where there is none, or fewer than ranks on this node.
Device choose_device(const std::string& option, int local_rank, const Warn& note);

}  // namespace charrnn
