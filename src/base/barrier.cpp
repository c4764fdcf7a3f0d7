#include "base/barrier.hpp"

#include <thread>

namespace charrnn {

namespace {

constexpr int kSpins = 2000;   // some ten microseconds: as long as threads differ within a step
constexpr int kYields = 2000;  // some milliseconds: as long as a step's part without threads may take

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

bool wait_for_change(const std::atomic<std::uint32_t>& counter, std::uint32_t old) {
  for (int i = 0; i < kSpins + kYields; ++i) {
    if (counter.load(std::memory_order_acquire) != old) return true;
    i < kSpins ? relax() : std::this_thread::yield();
  }
  return false;
}

void Barrier::wait() {
  const std::uint32_t number = passed_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    passed_.fetch_add(1, std::memory_order_release);
    return;
  }
  while (!wait_for_change(passed_, number)) continue;
}

}  // namespace charrnn
