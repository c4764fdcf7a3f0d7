// The optimizers' updates that a device's queue can get: LibTorch's fused ones.
#pragma once

namespace charrnn {

/// Of all parameters of a group.
class FusedUpdates {
 public:
  virtual ~FusedUpdates() = default;
  FusedUpdates(const FusedUpdates&) = delete;
  FusedUpdates& operator=(const FusedUpdates&) = delete;

  /// State: two buffers. `decoupled`: AdamW.
  virtual void adam(double beta1, double beta2, double weight_decay, double epsilon, bool decoupled) = 0;
  /// State: one buffer.
  virtual void sgd(double momentum, double weight_decay) = 0;

 protected:
  FusedUpdates() = default;
};

}  // namespace charrnn
