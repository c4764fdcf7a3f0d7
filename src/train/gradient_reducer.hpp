// Sums the gradients of all groups of all ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "data/sharding.hpp"
#include "dist/communicator.hpp"
#include "models/language_model.hpp"

namespace charrnn {

class GradientReducer {
 public:
  virtual ~GradientReducer() = default;
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// Collective. Runs work(i) for every group of this rank, the i-th from 0 on, in order: it calls the
  /// model's train() once. Afterwards the model's gradient() holds the sum over the groups of all ranks, the
  /// same bits on every rank.
  virtual void sum(std::int64_t step, const std::function<void(std::size_t)>& work) = 0;

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
