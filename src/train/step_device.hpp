// What a training step needs of a device that works through a queue.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/phase_clock.hpp"

namespace at {
class Tensor;
}

namespace charrnn {

/// A place in the queue.
class StepMark {
 public:
  virtual ~StepMark() = default;
  /// Sets it behind all that the queue holds now.
  virtual void set() = 0;
  /// Whether the device has come past it.
  virtual bool is_passed() = 0;
  /// Time that the device took from `earlier`, of the same kind, to here. Both are passed.
  virtual double seconds_since(const StepMark& earlier) const = 0;
};

struct Sharding;
struct StepParts;
class TrainingStep;

/// All of it comes in the order of LibTorch's current stream.
class StepDevice {
 public:
  virtual ~StepDevice() = default;
  /// Steps through its queue, without waiting for it: the device clips and updates, and leaves out what is not finite.
  /// Virtual so that a program without such a device does not link LibTorch, which the steps compute with.
  virtual std::unique_ptr<TrainingStep> make_step(const StepParts& parts, const Sharding& sharding, PhaseClock& clock);
  virtual std::unique_ptr<StepMark> make_mark() = 0;
  /// Memory of the host that the device reads and writes by itself: not to be touched between a copy to or from it and
  /// a mark behind that.
  virtual at::Tensor host_memory(std::int64_t floats) = 0;
  /// Queues: `to` gets the GradientVerdict on a gradient of so many `targets`, one number.
  virtual void queue_verdict(const at::Tensor& gradient, const at::Tensor& losses, const at::Tensor& targets,
                             double limit, const at::Tensor& to) = 0;
  /// Queues work that is the same each time it is called, on the same memory.
  virtual void queue_same(const std::function<void()>& enqueue) = 0;
};

/// The GPU that is current. In the CUDA build.
std::unique_ptr<StepDevice> make_cuda_step_device();

}  // namespace charrnn
