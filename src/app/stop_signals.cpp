#include "app/stop_signals.hpp"

#include <unistd.h>

#include <csignal>

namespace charrnn {

namespace {

// A signal handler can reach nothing else.
volatile std::sig_atomic_t g_received = 0;

extern "C" void note_signal(int number) {
  if (g_received == SIGINT && number == SIGINT) ::_exit(128 + SIGINT);
  if (g_received == 0) g_received = number;
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
  handle_with(note_signal);
  // A reader of the screen, such as a pager, may end before the run; the log has everything.
  std::signal(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  handle_with(SIG_DFL);
  std::signal(SIGPIPE, SIG_DFL);
}

bool StopSignals::received() const {
  return g_received != 0;
}

}  // namespace charrnn
