// Sums the gradients of all groups of all ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "data/sharding.hpp"
#include "dist/communicator.hpp"
#include "models/language_model.hpp"

namespace charrnn {

class GradientReducer {
 public:
  virtual ~GradientReducer() = default;
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// Collective. Calls `train`, which calls the model's train() once for all groups of this rank, with the
  /// sums that it is given. Afterwards the model's gradient() holds the sum over the groups of all ranks, the
  /// same bits on every rank.
  virtual void sum(std::int64_t step, const std::function<void(std::span<const GradientSum>)>& train) = 0;

 protected:
  GradientReducer() = default;
};

/// All-reduces while the model computes, part by part of the gradient; the order of additions is the
/// communicator's. Both must outlive it.
std::unique_ptr<GradientReducer> make_all_reducer(LanguageModel& model, const Sharding& sharding,
                                                  Communicator& communicator);

/// Additions along the fixed tree of base/summation_tree.hpp over the groups, whichever rank has them: the
/// same bits for every number of ranks. A rank first adds up the largest whole subtrees of its own groups; of
/// what is left every rank gets one slice (all_to_all), adds it up and gives it to all (all_gather). The
/// communicator adds nothing. Both must outlive it.
std::unique_ptr<GradientReducer> make_tree_reducer(LanguageModel& model, const Sharding& sharding,
                                                   Communicator& communicator);

}  // namespace charrnn
