#include "models/native/step_plan.hpp"

namespace charrnn {

void Worker::wait_for(Meet whom) {
  if (whom == Meet::kNobody || (whom == Meet::kThreadGroup && group_ == nullptr)) return;
  const PhaseScope scope(clock_, Phase::kIdle);
  if (whom == Meet::kAll) {
    team_.barrier();
  } else {
    group_->wait();
  }
}

void StepPlan::start(const WindowSplit& split) {
  steps_.clear();
  const bool is_same = split.thread_groups() == split_.thread_groups() &&
                       split.threads_per_group() == split_.threads_per_group();
  split_ = split;
  if (is_same) return;
  barriers_.clear();
  if (split.threads_per_group() == 1) return;
  for (int group = 0; group < split.thread_groups(); ++group) {
    barriers_.emplace_back(split.threads_per_group());
  }
}

void StepPlan::run(ThreadTeam& team, PhaseClock* clock, const std::function<void()>& poll) {
  const PhaseScope scope(clock, Phase::kIdle);
  team.run([&](int thread) {
    Barrier* group =
        barriers_.empty() ? nullptr : &barriers_[static_cast<std::size_t>(split_.group_of(thread))];
    PhaseClock* own_clock = thread == 0 ? clock : nullptr;
    Worker worker(thread, split_.share(thread), team, group, own_clock, poll);
    for (const Step& step : steps_) {
      const PhaseScope phase(own_clock, step.phase);
      step.work(worker);
      worker.wait_for(step.then);
    }
  });
}

}  // namespace charrnn
