#include "base/cpu_quota.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>

#include "base/control_groups.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

/// In cores; infinite without a limit. Version 2 has both numbers in one file, and the word "max" for none; version 1
/// has -1 for none.
double quota_in(const fs::path& folder) {
  double quota = -1, period = 0;
  if (std::ifstream file(folder / "cpu.max"); file) {
    file >> quota >> period;
  } else {
    std::ifstream(folder / "cpu.cfs_quota_us") >> quota;
    std::ifstream(folder / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

/// The same for all processes that see this folder, by whatever path.
std::string identity(const fs::path& folder) {
  struct stat status {};
  ::stat(folder.c_str(), &status);
  return fmt::format("{:x}:{:x}", status.st_dev, status.st_ino);
}

}  // namespace

CpuQuota cpu_quota(const fs::path& root) {
  CpuQuota tightest;
  for (const fs::path& group : control_groups("cpu", root)) {
    const double cores = quota_in(group);
    if (cores < tightest.cores) tightest = {cores, identity(group)};
  }
  return tightest;
}

}  // namespace charrnn
