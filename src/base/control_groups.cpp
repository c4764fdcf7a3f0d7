#include "base/control_groups.hpp"

#include <fstream>

namespace charrnn {

namespace {

bool has_word(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

}  // namespace

std::vector<std::filesystem::path> control_groups(const std::string& controller, const std::filesystem::path& root) {
  std::vector<std::filesystem::path> folders;
  // "<number>:<controllers>:<path>"; version 2 has no controllers there.
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string number, controllers, path;
       std::getline(groups, number, ':') && std::getline(groups, controllers, ':') && std::getline(groups, path);) {
    if (!controllers.empty() && !has_word(controllers, controller)) continue;
    const std::filesystem::path top = root / "sys/fs/cgroup" / (controllers.empty() ? "" : controller);
    // A container may see its own group as the top, and not know the path that is told here: then nothing is there.
    for (std::filesystem::path group = std::filesystem::path(path).relative_path();; group = group.parent_path()) {
      folders.push_back(top / group);
      if (group.empty()) break;
    }
  }
  return folders;
}

}  // namespace charrnn
