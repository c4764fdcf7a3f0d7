#include "models/native/window_split.hpp"

namespace charrnn {

namespace {

/// Time of a time step on one thread, in units of a panel's product with a row.
std::int64_t cost(std::int64_t columns, std::int64_t panels, std::int64_t thread_groups,
                  std::int64_t threads_per_group) {
  constexpr std::int64_t kPanel = 16;  // rows that take as long to multiply as it takes to fetch a panel
  const auto largest_share = [](std::int64_t all, std::int64_t parts) { return (all + parts - 1) / parts; };
  return largest_share(panels, threads_per_group) * (largest_share(columns, thread_groups) + kPanel);
}

}  // namespace

WindowSplit::WindowSplit(std::int64_t columns, std::int64_t panels, std::int64_t bytes, int threads)
    : columns_(columns), panels_(panels), thread_groups_(threads) {
  constexpr std::int64_t kCached = 1 << 20;  // a core's own cache; 1 to 2 MiB on today's servers
  if (bytes <= kCached) return;
  // Threads that meet at every time step wait for each other: it must save a fifth at least.
  std::int64_t least = cost(columns, panels, threads, 1) * 4 / 5;
  for (int groups = 1; groups < threads; ++groups) {
    const int per_group = threads / groups;
    if (groups * per_group != threads || per_group > panels) continue;
    const std::int64_t needed = cost(columns, panels, groups, per_group);
    if (needed >= least) continue;
    least = needed;
    thread_groups_ = groups;
    threads_per_group_ = per_group;
  }
}

WindowShare WindowSplit::share(int thread) const {
  const int in_group = thread % threads_per_group_;
  const Range columns = share_of(columns_, group_of(thread), thread_groups_);
  Range own = share_of(columns.count, in_group, threads_per_group_);
  own.first += columns.first;
  return {columns, share_of(panels_, in_group, threads_per_group_), own};
}

}  // namespace charrnn
