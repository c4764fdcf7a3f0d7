#include "models/torch/recorded_steps.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>

#include <algorithm>
#include <cstddef>
#include <optional>

namespace charrnn {

namespace {

/// About thirty lengths of windows for each of several micro-batches. A graph takes memory on the CPU and the GPU.
constexpr std::size_t kMostKinds = 256;

}  // namespace

/// What all recordings share. They run one after the other, so they can share their internal memory, too.
struct RecordedSteps::Recorder {
  at::cuda::MempoolId_t pool = at::cuda::graph_pool_handle();
  // Recording needs another stream than the default one; always the same one, since memory is reused per stream.
  c10::cuda::CUDAStream stream = c10::cuda::getStreamFromPool();
};

struct RecordedSteps::Step {
  explicit Step(std::int64_t count)
      : host_numbers(at::empty({count}, at::TensorOptions(at::kLong).pinned_memory(true))),
        numbers(at::empty({count}, at::TensorOptions(at::kLong).device(at::kCUDA))),
        host_loss(at::empty({}, at::TensorOptions().pinned_memory(true))) {}

  /// In page-locked host memory and on the GPU.
  at::Tensor host_numbers, numbers, host_loss;
  std::optional<at::cuda::CUDAGraph> graph;

  void enqueue(const Enqueue& work) {
    numbers.copy_(host_numbers, /*non_blocking=*/true);
    host_loss.copy_(work(numbers), /*non_blocking=*/true);
  }
};

RecordedSteps::RecordedSteps() : recorder_(std::make_unique<Recorder>()) {}
RecordedSteps::~RecordedSteps() = default;

double RecordedSteps::run(const StepKind& kind, std::initializer_list<std::span<const std::int64_t>> numbers,
                          const Enqueue& enqueue) {
  const auto known = steps_.find(kind);
  std::shared_ptr<Step> step;
  if (known != steps_.end()) {
    step = known->second;
    if (!step->graph && has_room()) record(*step, enqueue);
  } else {
    std::size_t count = 0;
    for (const auto& part : numbers) count += part.size();
    step = std::make_shared<Step>(static_cast<std::int64_t>(count));
    if (steps_.size() < kMostKinds) steps_.emplace(kind, step);
  }
  std::int64_t* to = step->host_numbers.data_ptr<std::int64_t>();
  for (const auto& part : numbers) to = std::ranges::copy(part, to).out;
  if (step->graph) {
    step->graph->replay();
  } else {
    step->enqueue(enqueue);
  }
  c10::cuda::getCurrentCUDAStream().synchronize();
  return *step->host_loss.data_ptr<float>();
}

bool RecordedSteps::has_room() {
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

void RecordedSteps::record(Step& step, const Enqueue& enqueue) {
  c10::cuda::getCurrentCUDAStream().synchronize();
  const c10::cuda::CUDAStreamGuard guard(recorder_->stream);
  at::cuda::CUDAGraph& graph = step.graph.emplace();
  graph.capture_begin(recorder_->pool);
  try {
    step.enqueue(enqueue);
  } catch (...) {
    try {
      graph.capture_end();         // or the GPU refuses all that follows
    } catch (const c10::Error&) {  // the first error is the one to tell
    }
    step.graph.reset();
    throw;
  }
  graph.capture_end();
}

}  // namespace charrnn
