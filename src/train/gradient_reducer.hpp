// Sums the gradients of all micro-batches of all ranks.
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

/// Works while the model computes, on each part of the gradient as soon as the model has completed it:
///
///     reducer.begin(step);
///     model.train(micro_batches, {.sums = reducer.sums(), .losses = losses, .listener = reducer.listener()});
///     reducer.finish();
class GradientReducer : private GradientListener {
 public:
  /// Before the model's train() of all micro-batches of this rank, in step number `step`.
  void begin(std::int64_t step);
  /// Where this rank's micro-batches are added up.
  virtual std::span<const GradientSum> sums() const = 0;
  /// What train() reports finished parts to; null if there is nothing to sum over ranks.
  GradientListener* listener() { return communicator_.size() > 1 ? this : nullptr; }
  /// Collective. Afterwards the model's gradient() holds the sum over the micro-batches of all ranks, the same
  /// bits on every rank.
  void finish();
  /// The same where the model works through a device's queue: what the queue gets from now on comes after the sum, also
  /// that of `numbers`, in the device's memory. Returns when all of it is in the queue.
  void queue(std::span<float> numbers);
  /// Waits for a mark in the queue behind that, of step number `step`; see Communicator::wait_queued().
  void wait_queued(std::int64_t step, const std::function<bool()>& is_complete) {
    communicator_.set_step(step);
    communicator_.wait_queued(is_complete);
  }

 protected:
  GradientReducer(LanguageModel& model, Communicator& communicator);

  /// Begins, on the communicator and in the background, to sum number `part` of parts() over the ranks.
  virtual void begin_part(std::size_t part) = 0;
  /// The same of a part that is complete at an event in the device's queue.
  virtual void begin_part_at(std::size_t part, void* /*event*/) { begin_part(part); }
  /// Where there is no other rank: adds up what sums() holds apart.
  virtual void finish_alone() {}

  const std::vector<Range>& parts() const { return parts_; }
  Communicator& communicator() const { return communicator_; }

 private:
  void part_is_complete() override { begin_part(begun_++); }
  void part_is_complete_at(void* event) override { begin_part_at(begun_++, event); }
  void poll() override { communicator_.poll(); }

  Communicator& communicator_;
  std::vector<Range> parts_;
  std::size_t begun_ = 0;  ///< parts of this step
};

/// All-reduces; the order of additions is the communicator's. Puts the model's gradient into the communicator's memory for
/// sums, if it has any. Both must outlive it.
std::unique_ptr<GradientReducer> make_all_reducer(LanguageModel& model, const Sharding& sharding,
                                                  Communicator& communicator);

/// Additions along the fixed tree of base/summation_tree.hpp over the micro-batches, whichever rank has them: the same
/// bits for every number of ranks. A rank first adds up the largest whole subtrees of its own micro-batches; of what is
/// left every rank gets one slice (all_to_all), adds it up and sends it to all (all_gather). The communicator adds
/// nothing. Both must outlive it. `in_parts`: a rank that is alone has its micro-batches in two sums as well, until finish().
std::unique_ptr<GradientReducer> make_tree_reducer(LanguageModel& model, const Sharding& sharding,
                                                   Communicator& communicator, bool in_parts = false);

}  // namespace charrnn
