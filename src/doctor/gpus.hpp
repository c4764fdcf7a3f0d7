// The GPUs of one node.
#pragma once

#include <filesystem>

#include "doctor/finding.hpp"

namespace charrnn {

/// What this process sees of them, beside what is in the node. `root` is where /proc is.
Findings check_gpus(int ranks, const std::filesystem::path& root = "/");

}  // namespace charrnn
