#include "dist/agreement.hpp"

#include <array>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace charrnn {

namespace {

constexpr int kAtWork = -1;  // where an exit code is expected: rank 0 is alive, the code is still to come

int broadcast_code(Communicator& communicator, int code) {
  communicator.broadcast(std::as_writable_bytes(std::span(&code, 1)), 0);
  return code;
}

/// Tells the other ranks from a thread of its own that rank 0 is alive, four times a deadline. Meanwhile the
/// main thread must not use MPI.
class Heartbeat {
 public:
  explicit Heartbeat(Communicator& communicator)
      : thread_([this, &communicator](const std::stop_token& stop) { beat(communicator, stop); }) {}

  /// Throws what a beat threw.
  void end() {
    thread_.request_stop();
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void beat(Communicator& communicator, const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any until_stop;
    try {
      for (;;) {
        until_stop.wait_for(lock, stop, communicator.timeout() / 4, [] { return false; });
        if (stop.stop_requested()) return;
        broadcast_code(communicator, kAtWork);
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  std::exception_ptr failure_;
  std::jthread thread_;  // the last member: it uses the other one
};

/// What rank 0's work ended with: 0 or an exit code.
int wait_for_root(Communicator& communicator) {
  const auto start = std::chrono::steady_clock::now();
  for (;;) {
    const int code = broadcast_code(communicator, 0);
    if (code != kAtWork) return code;
    const Seconds waited = std::chrono::steady_clock::now() - start;
    if (waited > communicator.timeout() * kRootPatience) {
      throw CommError(communicator.rank(), communicator.step(), "broadcast", communicator.sequence(), waited,
                      "rank 0 is alive, but what it does alone takes too long; does a file system hang?");
    }
  }
}

}  // namespace

std::string broadcast_from_root(Communicator& communicator, const std::function<std::string()>& work) {
  std::string result;
  std::exception_ptr failure;
  int code = 0;
  if (communicator.rank() == 0) {
    Heartbeat heartbeat(communicator);
    try {
      result = work();
    } catch (const Error& error) {
      failure = std::current_exception();
      code = static_cast<int>(error.code());
    }
    heartbeat.end();
    broadcast_code(communicator, code);
  } else {
    code = wait_for_root(communicator);
  }
  if (failure) std::rethrow_exception(failure);
  if (code != 0) throw RemoteError(static_cast<ExitCode>(code));
  return broadcast_string(communicator, std::move(result), 0);
}

void together(Communicator& communicator, const std::function<void()>& work) {
  std::exception_ptr failure;
  ExitCode code = ExitCode::kDone;
  try {
    work();
  } catch (const CommError&) {
    throw;
  } catch (const Error& error) {
    failure = std::current_exception();
    code = error.code();
  }
  // How many ranks failed with each kind of code. An error that starting again cannot fix comes first.
  constexpr std::array kCodes{ExitCode::kUsage, ExitCode::kData, ExitCode::kInterrupted};
  std::array<double, kCodes.size()> failures{};
  if (failure) failures[code == kCodes[0] ? 0 : code == kCodes[2] ? 2 : 1] = 1;
  communicator.all_reduce_sum(failures);
  if (failure) std::rethrow_exception(failure);
  for (std::size_t i = 0; i < kCodes.size(); ++i) {
    if (failures[i] > 0) throw RemoteError(kCodes[i]);
  }
}

}  // namespace charrnn
