#include "app/text_output.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace charrnn {

TextOutput::TextOutput() {
  std::signal(SIGPIPE, SIG_IGN);  // the error of write() says the same
}

TextOutput::~TextOutput() {
  std::signal(SIGPIPE, SIG_DFL);
}

void TextOutput::write(std::string_view text) {
  if (!is_read_) return;
  is_read_ = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (is_read_ || errno != EPIPE) return;
  // What stdio still holds must not be tried, and complained about, again.
  [[maybe_unused]] const std::FILE* const same = std::freopen("/dev/null", "w", stdout);
}

}  // namespace charrnn
