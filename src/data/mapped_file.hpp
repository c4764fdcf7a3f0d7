// A file as read-only memory: the kernel reads the pages that are touched, and only those.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace charrnn {

class MappedFile {
 public:
  /// DataError if the path is missing, not a regular file, empty or unreadable.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const unsigned char> bytes() const { return bytes_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::span<const unsigned char> bytes_;
};

/// These bytes of a mapping of a file (of no other memory: it would lose them) are not needed for now: they
/// no longer count as this process's memory, and are read again when they are touched.
void release_pages(std::span<const unsigned char> bytes);

}  // namespace charrnn
