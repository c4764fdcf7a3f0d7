// A stretch of work on the GPU as one CUDA graph: a training step is some hundred small kernels, and starting
// them one by one takes several times as long as running them. Only in the CUDA build.
#pragma once

#include <functional>
#include <memory>

namespace charrnn {

/// What recordings need, for graphs that run one after the other: they share the memory of what they keep for
/// themselves. On the GPU that is current when it is made; it must outlive its graphs.
class StepRecorder {
 public:
  StepRecorder();
  ~StepRecorder();
  StepRecorder(const StepRecorder&) = delete;
  StepRecorder& operator=(const StepRecorder&) = delete;

 private:
  friend class StepGraph;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

class StepGraph {
 public:
  StepGraph();
  ~StepGraph();

  /// Does what `enqueue` enqueues on LibTorch's current stream, and waits for its end. `enqueue` must enqueue
  /// the same work each time, on memory that stays where it is, and leave nothing in memory of its own. The
  /// first time it is called as it is, which lets libraries set themselves up; the second time its work is
  /// recorded; from then on it is not called any more.
  void run(StepRecorder& recorder, const std::function<void()>& enqueue);

 private:
  struct Recording;
  std::unique_ptr<Recording> recording_;
  bool ran_ = false;
};

}  // namespace charrnn
