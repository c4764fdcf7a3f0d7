#include <ATen/cuda/CUDAEvent.h>

#include "dist/cuda_check.hpp"
#include "models/flat_tensor.hpp"
#include "models/torch/gpu_stream.hpp"
#include "models/torch/recorded_work.hpp"
#include "train/gpu_verdict.hpp"
#include "train/step_device.hpp"

namespace charrnn {

namespace {

class CudaMark final : public StepMark {
 public:
  void set() override { event_.record(); }
  bool is_passed() override { return cuda_event_has_passed(event_.event(), "a training step"); }
  double seconds_since(const StepMark& earlier) const override {
    return static_cast<const CudaMark&>(earlier).event_.elapsed_time(event_) / 1e3;  // from it to this one
  }

 private:
  at::cuda::CUDAEvent event_{cudaEventDefault};  // with a time
};

class CudaStepDevice final : public StepDevice {
 public:
  std::unique_ptr<StepMark> make_mark() override { return std::make_unique<CudaMark>(); }
  at::Tensor host_memory(std::int64_t floats) override {
    return at::empty({floats}, at::TensorOptions(at::kFloat).pinned_memory(true));
  }
  void queue_verdict(const at::Tensor& gradient, const at::Tensor& losses, const at::Tensor& targets, double limit,
                     const at::Tensor& to) override {
    queue_gpu_verdict(span_of(gradient), span_of(losses), targets.data_ptr<float>(), limit, scratch_.data_ptr<double>(),
                      to.data_ptr<float>(), gpu_stream());
  }
  void queue_same(const std::function<void()>& enqueue) override { work_.run(memory_, enqueue); }

 private:
  at::Tensor scratch_ = at::empty({kVerdictScratch}, at::TensorOptions(at::kDouble).device(at::kCUDA));
  RecordingMemory memory_;
  RecordedWork work_;
};

}  // namespace

std::unique_ptr<StepDevice> make_cuda_step_device() {
  return std::make_unique<CudaStepDevice>();
}

}  // namespace charrnn
