// A file without a name, for what is too large for memory.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/file_descriptor.hpp"

namespace charrnn {

/// Written once from its beginning to its end, then mapped. It is in memory up to kInMemory bytes, and from there on in
/// the folder TMPDIR (/tmp without it). Nothing is left of it when the last process that has it ends, however it ends.
/// The processes of one machine can share one.
///
///     ScratchFile file;
///     file.append(bytes);
///     const std::string handle = file.handle();        // sent to another process of this machine, which …
///     auto same = ScratchFile::open(handle);           // … reads the same memory
///     same->map();
class ScratchFile {
 public:
  static constexpr std::size_t kInMemory = std::size_t{64} << 20;

  ScratchFile();
  ~ScratchFile();
  ScratchFile(ScratchFile&&) noexcept;
  ScratchFile& operator=(ScratchFile&&) = delete;

  /// The file that handle() names, whose process must be alive. Nothing if it cannot be had: that process is on another
  /// machine, or hidden in another container.
  static std::optional<ScratchFile> open(const std::string& handle);

  /// DataError if there is no room. The last of the room in TMPDIR is left to others.
  void append(std::span<const std::byte> bytes);
  std::size_t size() const { return size_; }
  std::string handle() const;
  /// All of it. Nothing can be appended afterwards.
  std::span<const std::byte> map();
  /// A hint that what was read of map() is not needed for now, so that it does not count as this process's memory.
  void release() const;

 private:
  ScratchFile(FileDescriptor file, std::size_t size) : file_(std::move(file)), size_(size) {}
  void move_to_disk();
  void require_room();

  FileDescriptor file_;
  std::size_t size_ = 0;
  std::size_t room_checked_at_ = 0;  ///< size when there was last enough room
  std::string folder_;               ///< where the file is; empty: in memory
  std::span<const std::byte> mapped_;
};

}  // namespace charrnn
