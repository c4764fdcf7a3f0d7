// How much of the machine's processors this process may use: containers and batch systems often limit time, not cores.
#pragma once

#include <filesystem>
#include <limits>
#include <string>

namespace charrnn {

/// The tightest limit of the control groups that this process is in.
struct CpuQuota {
  double cores = std::numeric_limits<double>::infinity();  ///< processor time per time, such as 1.5; infinite: no limit
  std::string group;  ///< the same for all processes of this machine that share the limit
};

/// Of this process: cpu.max of cgroups version 2, cpu.cfs_quota_us of version 1, in its group and those above. What
/// cannot be read is no limit. `root` is where /proc and /sys are.
CpuQuota cpu_quota(const std::filesystem::path& root = "/");

}  // namespace charrnn
