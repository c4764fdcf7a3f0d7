// The parallel schedule of a pass over a window: what all threads do, in order, and where they wait for each other.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "base/barrier.hpp"
#include "base/phase_clock.hpp"
#include "base/thread_team.hpp"
#include "models/native/window_split.hpp"

namespace charrnn {

/// Which threads a thread waits for. What they wrote before can be read afterwards.
enum class WaitFor {
  kNobody,
  kThreadGroup,  ///< the threads that work on the same columns
  kAll,
};

class StepPlan;

/// One of the threads that execute a plan.
class Worker {
 public:
  int number() const { return number_; }
  int count() const { return team_.size(); }
  const WindowShare& share() const { return share_; }

  /// Waits; on thread 0 the time counts as Phase::kIdle.
  void wait(WaitFor whom);
  /// Calls the plan's `poll` if this is thread 0. To be called often in work that takes long.
  void poll() const {
    if (number_ == 0 && poll_) poll_();
  }

 private:
  friend class StepPlan;
  Worker(int number, const WindowShare& share, ThreadTeam& team, Barrier* group, PhaseClock* clock,
         const std::function<void()>& poll)
      : number_(number), share_(share), team_(team), group_(group), clock_(clock), poll_(poll) {}

  int number_;
  WindowShare share_;
  ThreadTeam& team_;
  Barrier* group_;     ///< null: the thread is alone in its group
  PhaseClock* clock_;  ///< thread 0's; null for the others
  const std::function<void()>& poll_;
};

/// Steps of work, executed by every thread of a team one after the other.
///
///     plan.start(WindowSplit(columns, panels, bytes, team.size()));
///     plan.add(Phase::kForward, WaitFor::kAll, [&](Worker& worker) { pack(worker); });
///     plan.add(Phase::kForward, WaitFor::kThreadGroup, [&](Worker& worker) { multiply(worker.share()); });
///     plan.run(team, clock, poll);
class StepPlan {
 public:
  using Work = std::function<void(Worker&)>;

  /// An empty plan for a window that is shared like this.
  void start(const WindowSplit& split);
  /// `work` must not throw. `then`: whom every thread waits for after it.
  void add(Phase phase, WaitFor then, Work work) { steps_.push_back({phase, then, std::move(work)}); }
  /// Books thread 0's time on `clock`, unless it is null: each step's in its phase, waiting as Phase::kIdle.
  void run(ThreadTeam& team, PhaseClock* clock = nullptr, const std::function<void()>& poll = {});

 private:
  struct Step {
    Phase phase;
    WaitFor then;
    Work work;
  };

  std::vector<Step> steps_;
  WindowSplit split_;
  std::deque<Barrier> barriers_;  ///< of the thread groups, where they have several threads
};

}  // namespace charrnn
