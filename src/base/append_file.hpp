// A file that grows by whole pieces, also where the disk becomes full in the middle of one.
#pragma once

#include <filesystem>
#include <string_view>

namespace charrnn {

/// Stays with the file that it opened: one that is put in its place later under the same name is not written.
///
///     AppendFile file("metrics.jsonl");
///     if (!file.append(line)) …  // try again when there is room
class AppendFile {
 public:
  /// Creates the file if it is not there. WriteError that names it if it cannot be written.
  explicit AppendFile(const std::filesystem::path& path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// False if it could not be written; then the file is as it was before.
  bool append(std::string_view bytes);

 private:
  int descriptor_;
};

}  // namespace charrnn
