// The control groups of this process, in whose files the system keeps what it may use.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace charrnn {

/// Folders with the files of a controller, such as "cpu": that of the group that this process is in, and of those above it.
/// Of cgroups version 1 and version 2, which have other files; some may not be there. `root` is where /proc and /sys are.
std::vector<std::filesystem::path> control_groups(const std::string& controller,
                                                  const std::filesystem::path& root = "/");

}  // namespace charrnn
