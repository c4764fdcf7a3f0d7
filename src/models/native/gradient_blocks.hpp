// The gradient of a training step, handed out to threads block by block.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <span>

#include "models/language_model.hpp"
#include "models/native/step_plan.hpp"

namespace charrnn {

/// The parts of the gradient (LanguageModel::gradient_parts()) in the order in which they are worked on. Each consists
/// of blocks that any thread can compute; the listener hears of a part when all its blocks are done.
class GradientBlocks {
 public:
  /// A new step, whose parts have that many blocks. `listener` may be null.
  void start(std::span<const std::int64_t> blocks, GradientListener* listener);

  /// On every thread: calls work(block) for blocks of the part that nobody has taken yet, as long as there are any.
  template <class Work>
  void work_on(std::size_t part, const Worker& worker, const Work& work) {
    Part& here = parts_[part];
    for (std::int64_t block = here.taken++; block < here.blocks; block = here.taken++) {
      work(block);
      ++here.done;
      worker.poll();
    }
  }

  /// Tells the listener of the parts that are complete by now, and lets it move communication forward. Only on the
  /// thread that called train().
  void report();

 private:
  struct Part {
    std::int64_t blocks = 0;
    std::atomic<std::int64_t> taken{0}, done{0};
  };

  std::deque<Part> parts_;
  std::size_t reported_ = 0;  ///< parts that the listener knows of
  GradientListener* listener_ = nullptr;
};

}  // namespace charrnn
