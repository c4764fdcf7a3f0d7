#include "models/torch/recorded_work.hpp"

#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>

#include <utility>

namespace charrnn {

bool RecordingMemory::has_room() {
  if (is_full_) return false;
  // A recording keeps its own memory, in addition to what other steps use. Longer windows may follow, and other ranks
  // on this GPU may be about to record, too.
  constexpr std::int64_t kTimes = 3;
  std::size_t free = 0, total = 0;
  C10_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  const auto used = c10::cuda::CUDACachingAllocator::getDeviceStats(c10::cuda::current_device()).reserved_bytes;
  constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  is_full_ = static_cast<std::int64_t>(free) < kTimes * used[kAll].current;
  return !is_full_;
}

void RecordedWork::run(RecordingMemory& memory, const std::function<void()>& enqueue) {
  if (std::exchange(has_run_, true) && !graph_ && memory.has_room()) record(memory, enqueue);
  if (graph_) {
    graph_->replay();
  } else {
    enqueue();
  }
}

void RecordedWork::record(RecordingMemory& memory, const std::function<void()>& enqueue) {
  const c10::cuda::CUDAStreamGuard guard(memory.stream_);
  at::cuda::CUDAGraph& graph = graph_.emplace();
  // Of this thread only: NCCL's threads may be at work on an earlier step.
  graph.capture_begin(memory.pool_, cudaStreamCaptureModeThreadLocal);
  try {
    enqueue();
  } catch (...) {
    try {
      graph.capture_end();         // or the GPU refuses all that follows
    } catch (const c10::Error&) {  // the first error is the one to tell
    }
    graph_.reset();
    throw;
  }
  graph.capture_end();
}

}  // namespace charrnn
