// Memory that processes of one machine share.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/file_descriptor.hpp"

namespace charrnn {

/// All of it is zero at first. It is no file of /dev/shm, which is tiny in many containers, and nothing is left of it when
/// the last process that has it ends, however it ends.
///
///     SharedMemory mine(bytes);
///     const std::string handle = mine.handle();          // sent to another process of this machine, which …
///     auto same = SharedMemory::open(handle);            // … reads and writes the same memory
class SharedMemory {
 public:
  /// Error if the system has no room.
  explicit SharedMemory(std::size_t bytes);
  ~SharedMemory();
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&&) = delete;

  /// The memory that handle() names, whose process must be alive. Nothing if it cannot be had: that process is on another
  /// machine, hidden in another container, or another user's.
  static std::optional<SharedMemory> open(const std::string& handle);

  std::string handle() const;
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  SharedMemory(FileDescriptor file, std::span<std::byte> bytes) : file_(std::move(file)), bytes_(bytes) {}

  FileDescriptor file_;
  std::span<std::byte> bytes_;
};

}  // namespace charrnn
