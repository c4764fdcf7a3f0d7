#include "app/interactive.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>

#include "app/messages.hpp"
#include "base/error.hpp"
#include "base/file_descriptor.hpp"

namespace charrnn {

namespace {

volatile std::sig_atomic_t g_note = -1;  // an eventfd: a signal handler can reach nothing else

extern "C" void take_note(int) {
  const int before = errno;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(g_note, &one, sizeof one);
  errno = before;
}

/// While it lives, SIGINT leaves a note.
class CtrlC {
 public:
  CtrlC() : note_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    require<UsageError>(note_.is_open(), "no file can be opened: raise the limit (ulimit -n)");
    g_note = note_.get();
    struct sigaction action {};
    action.sa_handler = take_note;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGINT, &action, &before_);
  }
  ~CtrlC() { ::sigaction(SIGINT, &before_, nullptr); }
  CtrlC(const CtrlC&) = delete;
  CtrlC& operator=(const CtrlC&) = delete;

  /// Whether it came since this was asked last.
  bool came() {
    std::uint64_t count = 0;
    return ::read(note_.get(), &count, sizeof count) == sizeof count;
  }

  /// Waits until there is something on standard input; false if Ctrl-C came instead.
  bool wait_for_input() {
    std::array<pollfd, 2> both{{{STDIN_FILENO, POLLIN, 0}, {note_.get(), POLLIN, 0}}};
    while (::poll(both.data(), both.size(), -1) < 0 && errno == EINTR) continue;
    return !came();
  }

 private:
  FileDescriptor note_;
  struct sigaction before_ {};
};

/// The lines of standard input.
class Lines {
 public:
  /// The next one, without its end; nothing where there is none, or if Ctrl-C came.
  std::optional<std::string> next(CtrlC& ctrl_c) {
    constexpr std::size_t kLongest = std::size_t{64} << 20;
    std::size_t end = read_.find('\n');
    while (end == std::string::npos) {
      if (!ctrl_c.wait_for_input()) return {};
      const std::size_t before = read_.size();
      require(before <= kLongest, "a line of standard input is longer than 64 MB");
      read_.resize(before + 4096);
      const ssize_t count = ::read(STDIN_FILENO, read_.data() + before, read_.size() - before);
      const int error = errno;
      read_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
      require(count >= 0, "cannot read standard input: {}", std::strerror(error));
      if (read_.empty()) return {};
      end = count == 0 ? before : read_.find('\n', before);
    }
    std::string line = read_.substr(0, end);
    read_.erase(0, end + 1);
    return line;
  }

 private:
  std::string read_;
};

}  // namespace

void write_interactively(const TextsToWrite& wanted, const Vocabulary& vocabulary, Sampler& sampler,
                         TextOutput& output) {
  CtrlC ctrl_c;
  Lines lines;
  const bool is_dialog = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  const auto ask = [&] {
    if (is_dialog) output.write("> ");
    std::optional<std::string> line = lines.next(ctrl_c);
    if (!line && is_dialog) output.write("\n");
    return line;
  };
  const std::string between = vocabulary.knows('\n') ? "\n" : "";
  bool has_begun = false;
  output.write(wanted.prime);
  for (std::optional line = wanted.prime.empty() ? ask() : wanted.prime; line && output.is_read(); line = ask()) {
    try {
      if (!has_begun || !line->empty()) prime(sampler, has_begun ? between + *line : *line);
    } catch (const UsageError& error) {  // such as a line that does not fill a window
      print_error(error.what());
      continue;
    }
    has_begun = true;
    std::string text;
    for (std::int64_t i = 0; !is_ended(wanted, i, text) && output.is_read() && !ctrl_c.came(); ++i) {
      const std::string& next = sampler.next()[0];
      text += next;
      output.write(next);
    }
    output.write("\n");
  }
}

}  // namespace charrnn
