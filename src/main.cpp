#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "app/program.hpp"
#include "base/subnormal_numbers.hpp"

namespace {

/// A standard stream that was closed would be the next file or pipe that something opens, which then got what is meant for
/// the screen. What stands in for it can neither be read nor written, so that a use of it is still an error.
void hold_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) < 0) {
      [[maybe_unused]] const int same = ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  hold_closed_streams();
  charrnn::flush_subnormal_numbers();
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is an error of write(), which we report, no death
  const charrnn::ExitCode code = charrnn::run_program({argv + 1, argv + argc});
  // Without the destructors of global objects: LibTorch would take 0.06 s to undo what it did when it was loaded.
  std::fflush(nullptr);
  ::_exit(static_cast<int>(code));
}
