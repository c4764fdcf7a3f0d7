// Who is missing when a collective does not end.
#pragma once

#include <vector>

namespace charrnn {

/// A rank whose wait comes to its deadline asks the others; those that wait, too, in whatever collective, answer. Who
/// is silent is what they wait for: it is dead, frozen, cut off, or still busy with something else.
class RollCall {
 public:
  virtual ~RollCall() = default;
  /// Answers whoever has asked. Called often by a rank that waits, and costs a fraction of a microsecond.
  virtual void answer() = 0;
  /// Asks all other ranks. Waits for nothing.
  virtual void ask() = 0;
  /// The ranks that have not answered since ask().
  virtual std::vector<int> silent() = 0;
};

}  // namespace charrnn
