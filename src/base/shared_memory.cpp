#include "base/shared_memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <utility>

#include "base/error.hpp"

namespace charrnn {

namespace {

/// Behind the memory: what tells it from every other one, on whatever machine.
using Mark = std::array<std::uint64_t, 2>;

void* map(int file, std::size_t bytes) {
  return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

}  // namespace

SharedMemory::SharedMemory(std::size_t bytes) : file_(::memfd_create("charrnn_sums", MFD_CLOEXEC)) {
  Mark mark{};
  // Room is taken now: where it is missing later, a process is killed without a word.
  int failure = errno;
  while (file_.is_open()) {
    failure = ::posix_fallocate(file_.get(), 0, static_cast<off_t>(bytes + sizeof mark));
    if (failure != EINTR) break;
  }
  if (failure == 0 && ::getrandom(mark.data(), sizeof mark, 0) != sizeof mark) failure = errno;
  if (failure == 0 && ::pwrite(file_.get(), mark.data(), sizeof mark, static_cast<off_t>(bytes)) != sizeof mark) {
    failure = errno;
  }
  void* const memory = failure == 0 ? map(file_.get(), bytes) : MAP_FAILED;
  if (failure == 0 && memory == MAP_FAILED) failure = errno;
  require(failure == 0, "cannot get {} MB of shared memory: {}", (bytes >> 20) + 1, std::strerror(failure));
  bytes_ = {static_cast<std::byte*>(memory), bytes};
}

SharedMemory::~SharedMemory() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept
    : file_(std::move(other.file_)), bytes_(std::exchange(other.bytes_, {})) {}

std::string SharedMemory::handle() const {
  Mark mark{};
  require(::pread(file_.get(), mark.data(), sizeof mark, static_cast<off_t>(bytes_.size())) == sizeof mark,
          "cannot read shared memory: {}", std::strerror(errno));
  return fmt::format("/proc/{}/fd/{} {} {} {}", ::getpid(), file_.get(), bytes_.size(), mark[0], mark[1]);
}

std::optional<SharedMemory> SharedMemory::open(const std::string& handle) {
  std::istringstream words(handle);
  std::string path;
  std::size_t size = 0;
  Mark expected{}, found{};
  words >> path >> size >> expected[0] >> expected[1];
  // Whatever the path leads to on another machine: opening it must not wait, and nothing is written before it is known.
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size != static_cast<off_t>(size + sizeof found) ||
      ::pread(file.get(), found.data(), sizeof found, static_cast<off_t>(size)) != sizeof found || found != expected) {
    return std::nullopt;
  }
  void* const memory = map(file.get(), size);
  if (memory == MAP_FAILED) return std::nullopt;
  return SharedMemory(std::move(file), {static_cast<std::byte*>(memory), size});
}

}  // namespace charrnn
