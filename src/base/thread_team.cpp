#include "base/thread_team.hpp"

#include <system_error>

#include "base/error.hpp"

namespace charrnn {

void ThreadTeam::resize(int threads) {
  work_ = nullptr;
  run_.fetch_add(1, std::memory_order_release);
  run_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  all_.emplace(threads);
  const std::uint32_t now = run_.load();
  try {
    for (int i = 1; i < threads; ++i) threads_.emplace_back([this, i, now] { serve(i, now); });
  } catch (const std::system_error& error) {
    const std::size_t started = threads_.size() + 1;
    resize(1);
    throw UsageError(fmt::format("the system gives this process only {} threads, not {} ({}); use `threads`", started,
                                 threads, error.what()));
  }
}

namespace {

/// An exception would leave the other threads waiting at a barrier for ever: it ends the process.
void must_not_throw(const std::function<void(int)>& work, int number) noexcept {
  work(number);
}

}  // namespace

void ThreadTeam::run(const std::function<void(int)>& work) {
  if (threads_.empty()) return work(0);
  work_ = &work;
  run_.fetch_add(1, std::memory_order_release);
  run_.notify_all();
  must_not_throw(work, 0);
  barrier();
}

void ThreadTeam::serve(int number, std::uint32_t seen) {
  while (true) {
    while (!wait_for_change(run_, seen)) run_.wait(seen, std::memory_order_acquire);
    seen = run_.load(std::memory_order_acquire);
    if (work_ == nullptr) return;
    must_not_throw(*work_, number);
    barrier();
  }
}

}  // namespace charrnn
