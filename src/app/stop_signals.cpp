#include "app/stop_signals.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>

#include "app/job.hpp"

namespace charrnn {

namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t g_received = 0;
volatile std::sig_atomic_t g_tells = 0;  // whether this process is the one that answers
volatile std::sig_atomic_t g_has_started = 0;

constexpr std::string_view kAnswer = "\ncharrnn_dist: stopping; ";
constexpr std::string_view kSecond = "Ctrl-C once more ends at once, without saving\n";

std::string_view told(int number) {
  switch (number) {
    case SIGINT:
      return kSecond;
    case SIGTERM:
      return "SIGTERM came\n";
    case SIGHUP:
      return "SIGHUP came\n";
    default:
      return "SIGUSR1 came\n";
  }
}

void write_to_screen(std::string_view text) {
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) g_tells = 0;
}

extern "C" void note_signal(int number) {
  if (g_received == SIGINT && number == SIGINT) ::_exit(128 + SIGINT);
  if (g_received != 0 && number != SIGINT) return;
  g_received = number;  // a Ctrl-C after one of the others is the first of two
  const int before = errno;
  if (g_tells != 0) write_to_screen(kAnswer);
  if (g_tells != 0) write_to_screen(told(number));
  // MPI's start waits for all ranks, also for one that a signal has ended before it had a handler.
  if (g_has_started == 0) ::_exit(static_cast<int>(ExitCode::kInterrupted));
  errno = before;
}

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP};

void handle_with(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (const int number : kSignals) {
    struct sigaction before {};
    ::sigaction(number, nullptr, &before);
    if (number == SIGHUP && before.sa_handler == SIG_IGN) continue;  // as nohup wants it
    ::sigaction(number, &action, nullptr);
  }
}

}  // namespace

StopSignals::StopSignals() {
  g_received = 0;
  g_has_started = 0;
  g_tells = launched_rank() == 0 ? 1 : 0;
  handle_with(note_signal);
  // A reader of the screen, such as a pager, may end before the run; the log has everything.
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  // What is left of this process must not die of a signal, or its exit code would be lost: mpirun and srun send TERM to the
  // other ranks when the first has ended with a code that is not 0.
  handle_with(SIG_IGN);
  std::signal(SIGPIPE, SIG_DFL);
}

void StopSignals::has_started() {
  g_has_started = 1;
}

bool StopSignals::received() const {
  return g_received != 0;
}

}  // namespace charrnn
