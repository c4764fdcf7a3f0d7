#include "base/new_folders.hpp"

#include <algorithm>
#include <system_error>

#include "base/error.hpp"

namespace charrnn {

namespace fs = std::filesystem;

NewFolders::~NewFolders() {
  std::error_code ignored;
  std::for_each(made_.rbegin(), made_.rend(), [&](const fs::path& folder) { fs::remove(folder, ignored); });
}

void NewFolders::make(const fs::path& path) {
  std::error_code error;
  std::vector<fs::path> missing;
  fs::path folder = fs::absolute(path).lexically_normal();
  for (; !fs::exists(folder, error) && folder.has_relative_path(); folder = folder.parent_path()) {
    missing.push_back(folder);
  }
  for (auto next = missing.rbegin(); next != missing.rend() && !error; ++next) {
    if (fs::create_directory(*next, error)) made_.push_back(*next);  // false where another process was faster
  }
  const bool is_there = !error && fs::is_directory(path, error);
  const std::string problem =
      fmt::format("cannot make the folder '{}': {}", path.string(), error ? error.message() : "it is a file");
  if (may_pass(error.value())) throw WriteError(problem, error.value());
  require<UsageError>(is_there, "{}", problem);
}

}  // namespace charrnn
