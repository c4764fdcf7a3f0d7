// Folders that go away again if nothing came of them.
#pragma once

#include <filesystem>
#include <vector>

namespace charrnn {

/// Remembers which folders it has made; its end removes those that are empty.
///
///     NewFolders made;
///     made.make("runs/first");  // and "runs", if it was not there
class NewFolders {
 public:
  NewFolders() = default;
  ~NewFolders();
  NewFolders(const NewFolders&) = delete;
  NewFolders& operator=(const NewFolders&) = delete;

  /// Makes what is missing of the path. UsageError if it cannot, WriteError if it may later.
  void make(const std::filesystem::path& path);

 private:
  std::vector<std::filesystem::path> made_;  ///< outermost first
};

}  // namespace charrnn
