#include "base/thread_team.hpp"

#include <system_error>

#include "base/error.hpp"

namespace charrnn {

namespace {

constexpr int kSpins = 2000;   // some ten microseconds: as long as threads differ within a step
constexpr int kYields = 2000;  // some milliseconds: as long as a step's part without threads may take

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// True as soon as `counter` differs from `old`; false if it has not for a while.
bool has_changed(const std::atomic<std::uint32_t>& counter, std::uint32_t old, int yields) {
  for (int i = 0; i < kSpins; ++i) {
    if (counter.load(std::memory_order_acquire) != old) return true;
    relax();
  }
  for (int i = 0; i < yields; ++i) {
    if (counter.load(std::memory_order_acquire) != old) return true;
    std::this_thread::yield();
  }
  return false;
}

}  // namespace

void ThreadTeam::resize(int threads) {
  work_ = nullptr;
  run_.fetch_add(1, std::memory_order_release);
  run_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  const std::uint32_t now = run_.load();
  try {
    for (int i = 1; i < threads; ++i) threads_.emplace_back([this, i, now] { serve(i, now); });
  } catch (const std::system_error& error) {
    const std::size_t started = threads_.size() + 1;
    resize(1);
    throw UsageError(fmt::format("the system gives this process only {} threads, not {} ({}); use --threads",
                                 started, threads, error.what()));
  }
}

void ThreadTeam::run(const std::function<void(int)>& work) {
  if (threads_.empty()) return work(0);
  work_ = &work;
  run_.fetch_add(1, std::memory_order_release);
  run_.notify_all();
  work(0);
  barrier();
}

void ThreadTeam::serve(int number, std::uint32_t seen) {
  while (true) {
    while (!has_changed(run_, seen, kYields)) run_.wait(seen, std::memory_order_acquire);
    seen = run_.load(std::memory_order_acquire);
    if (work_ == nullptr) return;
    (*work_)(number);
    barrier();
  }
}

void ThreadTeam::barrier() {
  if (threads_.empty()) return;
  const std::uint32_t number = passed_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == static_cast<std::uint32_t>(size())) {
    arrived_.store(0, std::memory_order_relaxed);
    passed_.fetch_add(1, std::memory_order_release);
    return;
  }
  while (!has_changed(passed_, number, kYields)) continue;
}

}  // namespace charrnn
