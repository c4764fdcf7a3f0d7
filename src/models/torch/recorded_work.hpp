// Work that a GPU does again and again, as a CUDA graph: starting some hundred small kernels one by one takes longer than
// running them. Only in the CUDA build.
#pragma once

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>

#include <functional>
#include <optional>

namespace charrnn {

/// What recordings share that run one after the other on one GPU: their internal memory.
class RecordingMemory {
 public:
  /// On the GPU that is current.
  RecordingMemory() = default;
  RecordingMemory(const RecordingMemory&) = delete;
  RecordingMemory& operator=(const RecordingMemory&) = delete;

  /// Whether one more piece of work can be recorded: not any more once the GPU's free memory has been less than three
  /// times what this process holds.
  bool has_room();

 private:
  friend class RecordedWork;

  at::cuda::MempoolId_t pool_ = at::cuda::graph_pool_handle();
  // Recording needs another stream than the default one; always the same one, since memory is reused per stream.
  c10::cuda::CUDAStream stream_ = c10::cuda::getStreamFromPool();
  bool is_full_ = false;
};

/// One piece of work.
class RecordedWork {
 public:
  /// Puts the work into LibTorch's current stream. Calls `enqueue`, which does that, for the first run, in which
  /// libraries set themselves up and which shows how much memory the work takes, and once more to record the second;
  /// later runs replay the recording. It must be the same work each time, on memory that never moves, and no result may
  /// stay in memory that it allocates. Where there is no room for a recording, all runs are like the first.
  void run(RecordingMemory& memory, const std::function<void()>& enqueue);

 private:
  void record(RecordingMemory& memory, const std::function<void()>& enqueue);

  bool has_run_ = false;
  std::optional<at::cuda::CUDAGraph> graph_;
};

}  // namespace charrnn
