// Forward and backward passes on a GPU as CUDA graphs, one for each kind of window. Only in the CUDA build.
#pragma once

#include <ATen/ATen.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>

namespace charrnn {

class RecordingMemory;

/// What decides the work of a step. Steps of the same kind differ only in the numbers they work on.
struct StepKind {
  std::int64_t length, columns, targets;
  bool drops;
  std::array<const void*, 3> memory;  ///< where state, gradient and loss lie

  std::strong_ordering operator<=>(const StepKind&) const = default;
};

/// Steps of one model, one after the other.
class RecordedSteps {
 public:
  /// On the GPU that is current.
  RecordedSteps();
  ~RecordedSteps();
  RecordedSteps(const RecordedSteps&) = delete;
  RecordedSteps& operator=(const RecordedSteps&) = delete;

  /// Puts a step into LibTorch's current stream, for numbers in the GPU's memory; see RecordedWork::run().
  using Enqueue = std::function<void(const at::Tensor& numbers)>;

  /// Puts into LibTorch's current stream: a copy of the numbers, one span after the other, to the GPU, and the step.
  /// Returns at once. At most 256 kinds are recorded; others all run like the first one.
  void run(const StepKind& kind, std::initializer_list<std::span<const std::int64_t>> numbers, const Enqueue& enqueue);

 private:
  struct Step;

  std::unique_ptr<RecordingMemory> memory_;
  std::map<StepKind, std::shared_ptr<Step>> steps_;
};

}  // namespace charrnn
