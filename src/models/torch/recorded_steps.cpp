#include "models/torch/recorded_steps.hpp"

#include <algorithm>
#include <cstddef>

#include "models/torch/recorded_work.hpp"

namespace charrnn {

namespace {

/// About thirty lengths of windows for each of several micro-batches. A graph takes memory on the CPU and the GPU.
constexpr std::size_t kMostKinds = 256;

}  // namespace

struct RecordedSteps::Step {
  explicit Step(std::int64_t count) : numbers(at::empty({count}, at::TensorOptions(at::kLong).device(at::kCUDA))) {}

  at::Tensor numbers;
  RecordedWork work;
};

RecordedSteps::RecordedSteps() : memory_(std::make_unique<RecordingMemory>()) {}
RecordedSteps::~RecordedSteps() = default;

void RecordedSteps::run(const StepKind& kind, std::initializer_list<std::span<const std::int64_t>> numbers,
                        const Enqueue& enqueue) {
  std::size_t count = 0;
  for (const auto& part : numbers) count += part.size();
  // Page-locked, and new for each step: LibTorch gives it out again when the GPU has read it.
  const at::Tensor host =
      at::empty({static_cast<std::int64_t>(count)}, at::TensorOptions(at::kLong).pinned_memory(true));
  std::int64_t* to = host.data_ptr<std::int64_t>();
  for (const auto& part : numbers) to = std::ranges::copy(part, to).out;

  const auto known = steps_.find(kind);
  const std::shared_ptr<Step> step =
      known != steps_.end() ? known->second : std::make_shared<Step>(static_cast<std::int64_t>(count));
  if (known == steps_.end() && steps_.size() < kMostKinds) steps_.emplace(kind, step);
  step->numbers.copy_(host, /*non_blocking=*/true);
  step->work.run(*memory_, [&] { enqueue(step->numbers); });
}

}  // namespace charrnn
