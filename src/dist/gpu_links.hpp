// How the GPUs of a node reach each other.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace charrnn {

/// Between two GPUs, best first.
enum class GpuLink {
  kNvlink,  ///< each other's memory, atomic operations included: NVLink, through NVSwitches or not
  kPcie,    ///< each other's memory, without those
  kHost,    ///< only by way of the host's memory
};

/// Of all pairs of GPUs that this process sees; none without CUDA. Never throws.
std::vector<GpuLink> gpu_links_here();

/// "NVLink between all 28 pairs", "NVLink between 4 pairs, PCIe between 24"; empty where there is no pair.
std::string links_text(std::span<const GpuLink> pairs);

}  // namespace charrnn
