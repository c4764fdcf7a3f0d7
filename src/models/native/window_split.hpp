// How threads share the time steps of a window.
#pragma once

#include <cstdint>

#include "base/range.hpp"
#include "models/native/micro_kernel.hpp"

namespace charrnn {

/// What a thread does of a window. Threads with the same columns are a group: they share each time step's
/// units and meet once in it. Columns of different groups have nothing to do with each other.
struct WindowShare {
  Range columns;  ///< of the group
  Range panels;   ///< this thread's of a layer's units, or of its inputs where they are units of another
  Range own;      ///< this thread's of the group's columns, for what goes row by row

  /// Those of the panels.
  Range units() const { return {panels.first * kPanelWidth, panels.count * kPanelWidth}; }
};

/// Threads share columns as long as they can: then they need not meet. But every thread reads all weights,
/// and few columns do not repay getting them from beyond its own cache. Then several threads take the same
/// columns.
class WindowSplit {
 public:
  WindowSplit() = default;
  /// So many columns, panels of a layer's units, and bytes of the weights that each time step reads.
  WindowSplit(std::int64_t columns, std::int64_t panels, std::int64_t bytes, int threads);

  int groups() const { return groups_; }
  int threads_of_group() const { return threads_of_group_; }
  int group_of(int thread) const { return thread / threads_of_group_; }
  WindowShare share(int thread) const;

 private:
  std::int64_t columns_ = 0, panels_ = 0;
  int groups_ = 1, threads_of_group_ = 1;
};

}  // namespace charrnn
