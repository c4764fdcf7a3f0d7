#include "base/first_line.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.hpp"

namespace charrnn {

std::optional<std::string> first_line(const std::filesystem::path& file) {
  constexpr std::size_t kMostBytes = 4096;
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  std::string text(kMostBytes, '\0');
  const ssize_t size = descriptor < 0 ? -1 : ::read(descriptor, text.data(), text.size());
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (size < 0) throw WriteError("read", file, error);
  text.resize(static_cast<std::size_t>(size));
  return text.substr(0, text.find('\n'));
}

}  // namespace charrnn
