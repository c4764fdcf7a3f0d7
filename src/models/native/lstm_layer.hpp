// The LSTM layer (torch.nn.LSTM).
#pragma once

#include "models/native/recurrent_layer.hpp"

namespace charrnn {

class LstmLayer : public RecurrentLayer {
 public:
  explicit LstmLayer(const NativeLayerOptions& options) : RecurrentLayer(4, options) {}

 protected:
  void resize_cell(std::int64_t length, std::span<const Range> micro_batches) override;
  float* state(std::size_t i, std::int64_t t) override { return i == 0 ? h(t) : c(t); }
  void activate(const StepShare& s, const float* const* addends) override;
  void start_backward(const StepShare& share) override { clear(share, d_c_.data()); }
  void differentiate(const StepShare& s, const float* d_output) override;

  float* c(std::int64_t t) { return c_.data() + t * columns() * units(); }
  float* d_c() { return d_c_.data(); }

 private:
  AlignedBuffer c_;    ///< before each time step, and after the last: [columns, units]
  AlignedBuffer d_c_;  ///< [columns, units]
};

}  // namespace charrnn
