#include "base/scratch_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <utility>

#include "base/error.hpp"
#include "base/memory.hpp"

namespace charrnn {

namespace {

constexpr std::size_t kMegabyte = std::size_t{1} << 20;

/// What tells a file from every other one of this machine.
std::string identity(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) return "";
  return fmt::format("{}:{}:{}:{}.{}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

/// `folder` is empty for a file in memory.
[[noreturn]] void fail(const std::string& folder, std::size_t size, const char* why) {
  const std::string text = fmt::format("cannot keep more than {} MB of the text in ", size / kMegabyte);
  throw DataError(folder.empty() ? fmt::format("{}memory: {}", text, why)
                                 : fmt::format("{}'{}': {}; set TMPDIR to a folder with more room", text, folder, why));
}

void write_all(int file, std::span<const std::byte> bytes, const std::string& folder, std::size_t at) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) fail(folder, at, done < 0 ? std::strerror(errno) : "nothing more can be written");
    bytes = bytes.subspan(static_cast<std::size_t>(done));
    at += static_cast<std::size_t>(done);
  }
}

}  // namespace

ScratchFile::ScratchFile() : file_(::memfd_create("charrnn_text", MFD_CLOEXEC)) {
  require(file_.is_open(), "cannot make a file in memory: {}", std::strerror(errno));
}

ScratchFile::~ScratchFile() {
  if (!mapped_.empty()) ::munmap(const_cast<std::byte*>(mapped_.data()), mapped_.size());
}

ScratchFile::ScratchFile(ScratchFile&& other) noexcept
    : file_(std::move(other.file_)),
      size_(other.size_),
      room_checked_at_(other.room_checked_at_),
      folder_(std::move(other.folder_)),
      mapped_(std::exchange(other.mapped_, {})) {}

std::optional<ScratchFile> ScratchFile::open(const std::string& handle) {
  std::istringstream words(handle);
  std::string path, expected;
  std::size_t size = 0;
  words >> path >> size >> expected;
  // Whatever the path leads to on another machine: opening it must not wait, and nothing is read before it is known.
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file.is_open() || identity(file.get()) != expected) return std::nullopt;
  return ScratchFile(std::move(file), size);
}

std::string ScratchFile::handle() const {
  return fmt::format("/proc/{}/fd/{} {} {}", ::getpid(), file_.get(), size_, identity(file_.get()));
}

void ScratchFile::append(std::span<const std::byte> bytes) {
  if (folder_.empty() && size_ + bytes.size() > kInMemory) move_to_disk();
  if (!folder_.empty()) require_room();
  write_all(file_.get(), bytes, folder_, size_);
  size_ += bytes.size();
}

void ScratchFile::move_to_disk() {
  const char* const folder = std::getenv("TMPDIR");
  folder_ = folder != nullptr && *folder != '\0' ? folder : "/tmp";
  std::string name = folder_ + "/charrnn_text_XXXXXX";
  FileDescriptor disk(::mkostemp(name.data(), O_CLOEXEC));
  if (!disk.is_open()) fail(folder_, size_, std::strerror(errno));
  ::unlink(name.c_str());
  std::array<std::byte, 65'536> piece;
  for (std::size_t at = 0; at < size_;) {
    const ssize_t got = ::pread(file_.get(), piece.data(), piece.size(), static_cast<off_t>(at));
    if (got <= 0) fail("", size_, "it cannot be read back");
    write_all(disk.get(), std::span(piece).first(static_cast<std::size_t>(got)), folder_, at);
    at += static_cast<std::size_t>(got);
  }
  file_ = std::move(disk);
}

/// A text may be endless, and the disk is not ours alone.
void ScratchFile::require_room() {
  constexpr std::size_t kBetweenChecks = 16 * kMegabyte;
  constexpr std::uint64_t kLeave = std::uint64_t{1} << 30;  // to others: this, or 5 % of a smaller file system
  if (room_checked_at_ != 0 && size_ < room_checked_at_ + kBetweenChecks) return;
  room_checked_at_ = size_;
  struct statvfs status {};
  if (::fstatvfs(file_.get(), &status) != 0) return;
  const std::uint64_t unit = status.f_frsize, free = status.f_bavail * unit, all = status.f_blocks * unit;
  if (all > 0 && free < std::min(kLeave, all / 20)) fail(folder_, size_, "it is almost full");
}

std::span<const std::byte> ScratchFile::map() {
  if (mapped_.empty() && size_ > 0) {
    void* const memory = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file_.get(), 0);
    if (memory == MAP_FAILED && errno == ENOMEM) throw OutOfMemory(size_);
    require(memory != MAP_FAILED, "cannot map {} MB of text: {}", size_ / kMegabyte, std::strerror(errno));
    mapped_ = {static_cast<const std::byte*>(memory), size_};
  }
  return mapped_;
}

void ScratchFile::release() const {
  if (!mapped_.empty()) ::madvise(const_cast<std::byte*>(mapped_.data()), mapped_.size(), MADV_DONTNEED);
}

}  // namespace charrnn
