// A stand-in for a stream of the GPU: work that a thread does in order, some time after it was queued.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace charrnn::test {

/// Never destroyed, since its work may hang.
class StreamDouble {
 public:
  StreamDouble() {
    std::thread([this] { run(); }).detach();
  }
  StreamDouble(const StreamDouble&) = delete;
  StreamDouble& operator=(const StreamDouble&) = delete;

  /// Returns the number of pieces of work that were queued so far.
  std::uint64_t queue(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    changed_.notify_all();
    return ++queued_;
  }
  std::uint64_t queued() {
    const std::lock_guard lock(mutex_);
    return queued_;
  }
  std::uint64_t done() const { return done_; }
  /// What is queued from now on waits until `other` has done `count` pieces of work.
  void wait_for(const StreamDouble& other, std::uint64_t count) {
    queue([&other, count] {
      while (other.done() < count) std::this_thread::yield();
    });
  }
  /// Until all that was queued so far is done.
  void drain() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this, all = queued_] { return done_ >= all; });
  }

 private:
  void run() {
    for (std::unique_lock lock(mutex_);;) {
      changed_.wait(lock, [this] { return !work_.empty(); });
      const std::function<void()> work = std::move(work_.front());
      work_.pop_front();
      lock.unlock();
      work();
      lock.lock();
      ++done_;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> work_;
  std::uint64_t queued_ = 0;
  std::atomic<std::uint64_t> done_ = 0;
};

}  // namespace charrnn::test
