// Threads that work on one thing together, many times a second.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "base/barrier.hpp"

namespace charrnn {

/// Of a rank. Nobody means more.
inline constexpr int kMostThreads = 1024;

/// A fixed number of threads, the caller among them. A waiting thread spins briefly, then yields its core; between two
/// runs the threads sleep. So on cores that other work uses too it slows down less than OpenMP, whose barriers become
/// slower by orders of magnitude there.
class ThreadTeam {
 public:
  explicit ThreadTeam(int threads = 1) { resize(threads); }
  ~ThreadTeam() { resize(1); }
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return static_cast<int>(threads_.size()) + 1; }
  /// Not within run(). UsageError if the system refuses to start them.
  void resize(int threads);

  /// Runs work(i) for every i in [0, size()), each on a thread of its own, i = 0 on the caller's; returns
  /// when all have ended. What `work` throws ends the process, if there is more than one thread.
  void run(const std::function<void(int)>& work);
  /// Within run(), called by all: returns when all have come. What was written before can be read after.
  void barrier() { all_->wait(); }

 private:
  void serve(int number, std::uint32_t seen);

  std::vector<std::thread> threads_;
  const std::function<void(int)>* work_ = nullptr;  ///< null: the threads shall end
  std::atomic<std::uint32_t> run_{0};               ///< number of the run that has been started
  std::optional<Barrier> all_;
};

}  // namespace charrnn
