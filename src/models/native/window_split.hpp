// How threads share the time steps of a window.
#pragma once

#include <cstdint>

#include "base/range.hpp"
#include "models/native/micro_kernel.hpp"

namespace charrnn {

/// A thread's share of a window. Threads that work on the same columns form a thread group: they divide each time
/// step's units among them and wait for each other in every time step, mostly once. Different thread groups never wait.
struct WindowShare {
  Range columns;  ///< of the thread group
  Range panels;   ///< this thread's panels of a layer's units
  Range own;      ///< this thread's part of the columns, for work that is done row by row

  /// The units of the panels.
  Range units() const { return {panels.first * kPanelWidth, panels.count * kPanelWidth}; }
};

/// Divides columns among threads as long as that pays: then no thread waits in a time step. But then every thread
/// reads all weights, and for few columns it costs more to fetch weights from outside the core's own cache than to
/// multiply with them. In that case several threads form a group for the same columns.
class WindowSplit {
 public:
  WindowSplit() = default;
  /// `panels`: of a layer's units. `bytes`: of the weights that each time step reads.
  WindowSplit(std::int64_t columns, std::int64_t panels, std::int64_t bytes, int threads);

  int thread_groups() const { return thread_groups_; }
  int threads_per_group() const { return threads_per_group_; }
  int group_of(int thread) const { return thread / threads_per_group_; }
  WindowShare share(int thread) const;

 private:
  std::int64_t columns_ = 0, panels_ = 0;
  int thread_groups_ = 1, threads_per_group_ = 1;
};

}  // namespace charrnn
