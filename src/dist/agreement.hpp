// Errors that every rank learns of, so that no rank waits for one that has given up.
#pragma once

#include <functional>
#include <string>
#include <type_traits>

#include "base/activity.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

/// What a rank throws when another one has failed: same exit code, nothing to print (the other rank prints).
class RemoteError : public Error {
 public:
  explicit RemoteError(ExitCode code) : Error(code, "another rank failed and says why") {}
};

/// Work of rank 0 alone; returns a string for all.
using RootWork = std::function<std::string(Activity&)>;

/// Runs `work` on rank 0 alone and gives the string it returns to all. If it throws an Error, rank 0 throws it and the
/// others throw RemoteError. `work` may take longer than the deadline: a second thread of rank 0 keeps telling the
/// others that it is alive, so that they notice within a deadline if it dies or freezes. After kRootPatience deadlines
/// they give up on a rank 0 that is alive but does not finish. The Activity that `work` gets passes progress on to that
/// of rank 0, and wants to stop as soon as that of any rank does.
std::string broadcast_from_root(Communicator& communicator, Activity& activity, const RootWork& work);

/// The same for work that returns a string or nothing, and takes an Activity or not.
///
///     const std::string plan = on_root(control, [&] { return read_file("plan.txt"); });
template <class Work>
auto on_root(Communicator& communicator, Activity& activity, const Work& work) {
  if constexpr (std::is_void_v<std::invoke_result_t<Work, Activity&>>) {
    broadcast_from_root(communicator, activity, [&](Activity& of_all) { return work(of_all), std::string(); });
  } else {
    return broadcast_from_root(communicator, activity, work);
  }
}
template <class Work>
auto on_root(Communicator& communicator, const Work& work) {
  Activity alone;
  return on_root(communicator, alone, [&](Activity&) { return work(); });
}

/// Runs `work` on every rank; if it throws an Error on some, those throw theirs and the others RemoteError.
void together(Communicator& communicator, const std::function<void()>& work);

/// Collective. Interrupted on every rank if the activity of any of them wants to stop.
void stop_together(Communicator& communicator, Activity& activity);

/// Work of rank 0 alone (scanning a corpus, writing a checkpoint) may take this many deadlines.
inline constexpr double kRootPatience = 20;

}  // namespace charrnn
