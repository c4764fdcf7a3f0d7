// A file that other processes write, read in bounded pieces.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "base/file_descriptor.hpp"

namespace charrnn {

/// Tells two files, or two states of one, apart.
struct FileState {
  std::uint64_t inode = 0;
  std::int64_t size = 0, modified = 0;  ///< bytes; nanoseconds since 1970
  bool operator==(const FileState&) const = default;
  /// `modified` in seconds.
  double time() const {
    constexpr double kNanosecond = 1e-9;
    return static_cast<double>(modified) * kNanosecond;
  }
};

class WatchedFile {
 public:
  /// Nothing if there is no such file, or if it is anything but a regular one: a link leads to places that are nobody's
  /// business, and a pipe would make the reader wait.
  static std::optional<WatchedFile> open(const std::filesystem::path& path);

  const FileState& state() const { return state_; }
  /// What is there from `offset` on, at most `bytes` bytes; less if the file has become shorter meanwhile.
  std::string read(std::int64_t offset, std::int64_t bytes) const;

 private:
  WatchedFile(FileDescriptor file, const FileState& state) : file_(std::move(file)), state_(state) {}

  FileDescriptor file_;
  FileState state_;
};

/// The last `bytes` bytes of a file, from the beginning of a line; all of a shorter one. Empty if it cannot be read.
std::string end_of_file(const std::filesystem::path& path, std::int64_t bytes);

}  // namespace charrnn
