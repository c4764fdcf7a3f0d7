#include "app/messages.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "base/text.hpp"
#include "base/utf8.hpp"

namespace charrnn {

std::string as_flags(const std::string& message) {
  std::string shown;
  for (std::size_t at = 0; at < message.size();) {
    const std::size_t end = message[at] == '`' ? message.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at + 1) : 0;
    if (end == 0 || end == std::string::npos || message[end] != '`' || end == at + 1) {
      shown += message[at++];
    } else {
      shown += "--" + message.substr(at + 1, end - at - 1);
      at = end + 1;
    }
  }
  return shown;
}

std::string program_name() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path != nullptr ? path : "", ':')) {
    if (fs::equivalent(fs::path(folder) / "charrnn_dist", self, error)) return "charrnn_dist";
  }
  const fs::path shown = self.lexically_proximate(fs::current_path(error));
  return shown.string().starts_with("..") ? self.string() : shown.string();
}

void print_error(const std::string& message) {
  std::fflush(stdout);
  tell_on_stderr("error: " + message);
}

void warn_on_stderr(const std::string& message) {
  tell_on_stderr("warning: " + message);
}

void tell_on_stderr(const std::string& message) {
  // Not fmt::print, which throws where the stream is closed or its disk full: that must not end a training.
  std::fputs(fmt::format("charrnn_dist: {}\n", without_controls(as_flags(message))).c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace charrnn
