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

/// What two steps have in common that are the same work for the GPU, but for the numbers they get.
struct StepKind {
  std::int64_t length, columns, targets;
  bool drops;
  const void *state, *gradient;  ///< where they lie

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

  /// Enqueues a step on LibTorch's current stream, for numbers in the GPU's memory, and returns its loss
  /// there. For one kind it must be the same work each time, on memory that stays where it is, and leave
  /// nothing in memory of its own.
  using Enqueue = std::function<at::Tensor(const at::Tensor& numbers)>;

  /// Takes the numbers, one span after the other, to the GPU, has the step done there, and returns its loss.
  /// Calls `enqueue` for the first step of a kind, which lets libraries set themselves up and shows what
  /// memory it takes, and once more to record the second one; later ones only replay that. Once the GPU has
  /// less than three times the memory left that this process holds, nothing more is recorded; nor are the
  /// steps of more than 256 kinds. They all go as the first one.
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
