#include "train/slow_queue.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "train/gradient_verdict.hpp"
#include "train/step_device.hpp"

namespace charrnn::test {

namespace {

class SlowMark final : public StepMark {
 public:
  explicit SlowMark(int& passed) : passed_(passed) {}

  void set() override { asked_ = 0; }
  bool is_passed() override {
    if (++asked_ < 4) return false;
    ++passed_;
    return true;
  }
  double seconds_since(const StepMark& /*earlier*/) const override { return 1e-6; }

 private:
  int& passed_;
  int asked_ = 0;
};

class SlowQueue final : public StepDevice {
 public:
  explicit SlowQueue(int& most_open) : most_open_(most_open) {}

  std::unique_ptr<StepMark> make_mark() override { return std::make_unique<SlowMark>(passed_); }
  at::Tensor host_memory(std::int64_t floats) override {
    constexpr int kOfAStep = 2;  // what it sends, and what it gets back
    most_open_ = std::max(most_open_, ++given_ / kOfAStep - passed_);
    return at::full({floats}, NAN);  // what nobody wrote must not be read
  }
  void queue_verdict(const at::Tensor& gradient, const at::Tensor& losses, const at::Tensor& targets, double limit,
                     const at::Tensor& to) override {
    const double length = gradient.to(at::kDouble).norm().item<double>();
    *reinterpret_cast<GradientVerdict*>(to.data_ptr<float>()) =
        judge(length, losses.to(at::kDouble).sum().item<double>(), targets.item<double>(), limit);
  }
  void queue_same(const std::function<void()>& enqueue) override { enqueue(); }

 private:
  int& most_open_;
  int given_ = 0, passed_ = 0;
};

}  // namespace

std::unique_ptr<StepDevice> make_slow_queue(int& most_open) {
  return std::make_unique<SlowQueue>(most_open);
}

}  // namespace charrnn::test
