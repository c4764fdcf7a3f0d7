// Threads that wait for each other many times a second.
#pragma once

#include <atomic>
#include <cstdint>

namespace charrnn {

/// Waits until `counter` is no longer `old`: spins briefly, then yields the core. False if it gave up after some
/// milliseconds. What was written before the change can be read afterwards.
bool wait_for_change(const std::atomic<std::uint32_t>& counter, std::uint32_t old);

/// A place where a fixed number of threads meet, again and again.
class Barrier {
 public:
  explicit Barrier(int threads) : threads_(static_cast<std::uint32_t>(threads)) {}

  /// Returns when all have come. What was written before can be read after.
  void wait();

 private:
  const std::uint32_t threads_;
  std::atomic<std::uint32_t> arrived_{0}, passed_{0};
};

}  // namespace charrnn
