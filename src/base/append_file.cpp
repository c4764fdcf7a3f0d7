#include "base/append_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace charrnn {

AppendFile::AppendFile(const std::filesystem::path& path)
    : descriptor_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) throw WriteError("write", path, errno);
}

AppendFile::~AppendFile() {
  ::close(descriptor_);
}

bool AppendFile::append(std::string_view bytes) {
  struct stat before {};
  if (::fstat(descriptor_, &before) != 0) return false;
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  if (bytes.empty()) return true;
  // Half a piece is worse than none. Where even that fails, nothing more can be done.
  [[maybe_unused]] const int ignored = ::ftruncate(descriptor_, before.st_size);
  return false;
}

}  // namespace charrnn
