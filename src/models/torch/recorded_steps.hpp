// Training steps on a GPU as CUDA graphs: a step is some hundred small kernels, and starting them one by one
// takes longer than running them. Only in the CUDA build.
#pragma once

#include <ATen/ATen.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>

namespace charrnn {

/// What decides the work of a step. Steps of the same kind differ only in the numbers they work on.
struct StepKind {
  std::int64_t length, columns, targets;
  bool drops;
  const void *state, *gradient;  ///< their addresses

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

  /// Enqueues a step on LibTorch's current stream, for numbers in the GPU's memory, and returns its loss, in the GPU's
  /// memory too. For one kind of step it must be the same work each time, on memory that never moves, and no result may
  /// stay in memory that the step allocates.
  using Enqueue = std::function<at::Tensor(const at::Tensor& numbers)>;

  /// Copies the numbers, one span after the other, to the GPU, runs the step there, and returns its loss. Calls
  /// `enqueue` for the first step of a kind, in which libraries set themselves up and which shows how much memory the
  /// step takes, and again to record the second one; later steps replay the recording. Nothing more is recorded once
  /// the GPU's free memory is less than three times what this process holds, nor for more than 256 kinds; such steps
  /// all run like the first one.
  double run(const StepKind& kind, std::initializer_list<std::span<const std::int64_t>> numbers,
             const Enqueue& enqueue);

 private:
  struct Step;
  struct Recorder;

  /// Whether one more step can be recorded.
  bool has_room();
  void record(Step& step, const Enqueue& enqueue);

  std::unique_ptr<Recorder> recorder_;
  std::map<StepKind, std::shared_ptr<Step>> steps_;
  bool is_full_ = false;
};

}  // namespace charrnn
