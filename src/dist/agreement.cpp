#include "dist/agreement.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace charrnn {

namespace {

constexpr double kAtWork = -1;  // where an exit code is expected: rank 0 is alive, the code is still to come
constexpr Seconds kBetweenBeats{0.25};

/// What the ranks tell each other while rank 0 works alone.
struct Beat {
  double code = 0;    ///< rank 0's: kAtWork, or what its work ended with
  bool stop = false;  ///< some rank wants to stop
};

Beat beat(Communicator& communicator, Beat mine) {
  std::array<double, 2> sums{mine.code, mine.stop ? 1.0 : 0.0};
  communicator.all_reduce_sum(sums);
  return {sums[0], sums[1] > 0};
}

/// Tells the other ranks from a thread of its own that rank 0 is alive, and hears whether they want to stop. Meanwhile
/// the main thread must not use MPI.
class Heartbeat final : public Activity {
 public:
  Heartbeat(Communicator& communicator, Activity& of_root)
      : of_root_(of_root), thread_([this, &communicator](const std::stop_token& end) { run(communicator, end); }) {}

  void on_work(std::string_view what, std::int64_t done, std::int64_t total) override {
    of_root_.on_work(what, done, total);
  }
  bool wants_stop() override { return others_want_stop_ || of_root_.wants_stop(); }

  /// Throws what a beat threw.
  void end() {
    thread_.request_stop();
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run(Communicator& communicator, const std::stop_token& end) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any until_end;
    const Seconds pause = std::min(kBetweenBeats, communicator.timeout() / 4);
    try {
      for (;;) {
        until_end.wait_for(lock, end, pause, [] { return false; });
        if (end.stop_requested()) return;
        if (beat(communicator, {kAtWork}).stop) others_want_stop_ = true;
      }
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  Activity& of_root_;
  std::atomic<bool> others_want_stop_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;  // the last member: it uses the other ones
};

/// What rank 0's work ended with: 0 or an exit code.
int wait_for_root(Communicator& communicator, Activity& activity) {
  Deadline patience(communicator.timeout() * kRootPatience);
  for (;;) {
    const Beat root = beat(communicator, {0, activity.wants_stop()});
    if (root.code != kAtWork) return static_cast<int>(root.code);
    if (patience.has_passed()) {
      throw CommError(communicator.rank(), communicator.step(), "all_reduce_sum", communicator.sequence(),
                      patience.waited(),
                      "rank 0 is alive, but what it does alone takes too long; does a file system hang?");
    }
  }
}

}  // namespace

std::string broadcast_from_root(Communicator& communicator, Activity& activity, const RootWork& work) {
  std::string result;
  std::exception_ptr failure;
  int code = 0;
  if (communicator.rank() == 0) {
    Heartbeat heartbeat(communicator, activity);
    try {
      result = work(heartbeat);
    } catch (const Error& error) {
      failure = std::current_exception();
      code = static_cast<int>(error.code());
    }
    heartbeat.end();
    beat(communicator, {static_cast<double>(code)});
  } else {
    code = wait_for_root(communicator, activity);
  }
  if (failure) std::rethrow_exception(failure);
  if (code != 0) throw RemoteError(static_cast<ExitCode>(code));
  return broadcast_string(communicator, std::move(result), 0);
}

void stop_together(Communicator& communicator, Activity& activity) {
  std::array<double, 1> stops{activity.wants_stop() ? 1.0 : 0.0};
  communicator.all_reduce_sum(stops);
  if (stops[0] > 0) throw Interrupted();
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
