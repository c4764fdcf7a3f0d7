// The GPUs of one node.
#pragma once

#include <filesystem>
#include <span>

#include "dist/gpu_links.hpp"
#include "doctor/finding.hpp"

namespace charrnn {

/// What this process sees of them, beside what is in the node. `root` is where /proc is.
Findings check_gpus(int ranks, const std::filesystem::path& root = "/");

/// How pairs of GPUs are joined; a warning if some are not. Nothing where there is no pair.
Findings check_links(std::span<const GpuLink> pairs);

}  // namespace charrnn
