#include "serve/watched_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace charrnn {

std::optional<WatchedFile> WatchedFile::open(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  constexpr std::int64_t kSecond = 1'000'000'000;
  return WatchedFile(std::move(file),
                     {status.st_ino, status.st_size, status.st_mtim.tv_sec * kSecond + status.st_mtim.tv_nsec});
}

std::string WatchedFile::read(std::int64_t offset, std::int64_t bytes) const {
  std::string text(static_cast<std::size_t>(std::clamp<std::int64_t>(state_.size - offset, 0, bytes)), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t count =
        ::pread(file_.get(), text.data() + got, text.size() - got, offset + static_cast<std::int64_t>(got));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    got += static_cast<std::size_t>(count);
  }
  text.resize(got);
  return text;
}

std::string end_of_file(const std::filesystem::path& path, std::int64_t bytes) {
  const auto file = WatchedFile::open(path);
  if (!file) return "";
  const std::int64_t from = std::max<std::int64_t>(file->state().size - bytes, 0);
  std::string text = file->read(from, bytes);
  if (from == 0) return text;
  const std::size_t line = text.find('\n');
  return line == std::string::npos ? "" : text.substr(line + 1);
}

}  // namespace charrnn
