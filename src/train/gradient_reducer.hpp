// Sums the gradients of all groups of all ranks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/range.hpp"
#include "data/sharding.hpp"
#include "dist/communicator.hpp"
#include "models/language_model.hpp"

namespace charrnn {

/// Works while the model computes, on each part of the gradient as soon as the model has completed it.
class GradientReducer : private GradientListener {
 public:
  /// Collective. Calls `train`, which calls the model's train() once for all groups of this rank, with the
  /// sums that it is given. Afterwards the model's gradient() holds the sum over the groups of all ranks, the
  /// same bits on every rank.
  void sum(std::int64_t step, const std::function<void(std::span<const GradientSum>)>& train);

 protected:
  GradientReducer(LanguageModel& model, Communicator& communicator);

  /// What this rank's groups are added up in.
  virtual std::span<const GradientSum> sums() const = 0;
  /// Begins, on the communicator and in the background, to sum number `part` of parts() over the ranks.
  virtual void begin(std::size_t part) = 0;

  const std::vector<Range>& parts() const { return parts_; }
  Communicator& communicator() const { return communicator_; }
  /// The part's elements in a buffer laid out like the model's gradient.
  static std::span<float> in(std::span<float> flat, const Range& part) {
    return flat.subspan(static_cast<std::size_t>(part.first), static_cast<std::size_t>(part.count));
  }

 private:
  void part_is_complete() override { begin(begun_++); }
  void poll() override { communicator_.poll(); }

  LanguageModel& model_;
  Communicator& communicator_;
  std::vector<Range> parts_;
  std::size_t begun_ = 0;  ///< parts of this step
};

/// All-reduces; the order of additions is the communicator's. Both must outlive it.
std::unique_ptr<GradientReducer> make_all_reducer(LanguageModel& model, const Sharding& sharding,
                                                  Communicator& communicator);

/// Additions along the fixed tree of base/summation_tree.hpp over the groups, whichever rank has them: the
/// same bits for every number of ranks. A rank first adds up the largest whole subtrees of its own groups; of
/// what is left every rank gets one slice (all_to_all), adds it up and gives it to all (all_gather). The
/// communicator adds nothing. Both must outlive it.
std::unique_ptr<GradientReducer> make_tree_reducer(LanguageModel& model, const Sharding& sharding,
                                                   Communicator& communicator);

}  // namespace charrnn
