#include "base/cpu_quota.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <fstream>

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

bool has_word(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

}  // namespace

CpuQuota cpu_quota(const fs::path& root) {
  CpuQuota tightest;
  // "<number>:<controllers>:<path>"; version 2 has no controllers there.
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string number, controllers, path;
       std::getline(groups, number, ':') && std::getline(groups, controllers, ':') && std::getline(groups, path);) {
    if (!controllers.empty() && !has_word(controllers, "cpu")) continue;
    const fs::path top = root / (controllers.empty() ? "sys/fs/cgroup" : "sys/fs/cgroup/cpu");
    // A container may see its own group as the top, and not know the path that is told here: then nothing is there.
    for (fs::path group = fs::path(path).relative_path();; group = group.parent_path()) {
      const double cores = quota_in(top / group);
      if (cores < tightest.cores) tightest = {cores, identity(top / group)};
      if (group.empty()) break;
    }
  }
  return tightest;
}

}  // namespace charrnn
