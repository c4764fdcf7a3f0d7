// An open file that closes itself.
#pragma once

#include <unistd.h>

#include <utility>

namespace charrnn {

/// Owns a descriptor; -1: none, errno says why.
///
///     const FileDescriptor file(::open(path, O_RDONLY | O_CLOEXEC));
///     require(file.is_open(), "cannot open '{}': {}", path, std::strerror(errno));
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int file) : file_(file) {}
  ~FileDescriptor() { close(); }
  FileDescriptor(FileDescriptor&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
      close();
      file_ = std::exchange(other.file_, -1);
    }
    return *this;
  }

  bool is_open() const { return file_ >= 0; }
  int get() const { return file_; }

 private:
  void close() {
    if (file_ >= 0) ::close(std::exchange(file_, -1));
  }

  int file_ = -1;
};

}  // namespace charrnn
