#include "models/native/window_split.hpp"

namespace charrnn {

namespace {

/// Time of a time step on one thread, in that of a panel's product with a row.
std::int64_t cost(std::int64_t columns, std::int64_t panels, std::int64_t groups,
                  std::int64_t threads_of_group) {
  constexpr std::int64_t kPanel = 16;  // rows that it takes as long to multiply as to get at a panel
  const auto most = [](std::int64_t all, std::int64_t parts) { return (all + parts - 1) / parts; };
  return most(panels, threads_of_group) * (most(columns, groups) + kPanel);
}

}  // namespace

WindowSplit::WindowSplit(std::int64_t columns, std::int64_t panels, std::int64_t bytes, int threads)
    : columns_(columns), panels_(panels), groups_(threads) {
  constexpr std::int64_t kCached = 1 << 20;  // what a core has for itself; 1 to 2 MiB on today's servers
  if (bytes <= kCached) return;
  // Threads that meet at every time step wait for each other: it has to be worth it.
  std::int64_t least = cost(columns, panels, threads, 1) * 4 / 5;
  for (int groups = 1; groups < threads; ++groups) {
    const int threads_of_group = threads / groups;
    if (groups * threads_of_group != threads || threads_of_group > panels) continue;
    const std::int64_t needed = cost(columns, panels, groups, threads_of_group);
    if (needed >= least) continue;
    least = needed;
    groups_ = groups;
    threads_of_group_ = threads_of_group;
  }
}

WindowShare WindowSplit::share(int thread) const {
  const int of_group = thread % threads_of_group_;
  const Range columns = share_of(columns_, group_of(thread), groups_);
  Range own = share_of(columns.count, of_group, threads_of_group_);
  own.first += columns.first;
  return {columns, share_of(panels_, of_group, threads_of_group_), own};
}

}  // namespace charrnn
