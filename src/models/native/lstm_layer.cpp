// The LSTM layer (torch.nn.LSTM).
#include <algorithm>

#include "models/native/recurrent_layer.hpp"

namespace charrnn {

namespace {

class LstmLayer final : public RecurrentLayer {
 public:
  explicit LstmLayer(const NativeLayerOptions& options) : RecurrentLayer(4, options) {}

 private:
  float* c(std::int64_t t) { return c_.data() + t * columns() * units(); }
  float* state(std::size_t i, std::int64_t t) override { return i == 0 ? h(t) : c(t); }

  void resize_cell(std::int64_t length, std::span<const Range> /*micro_batches*/) override {
    c_.grow((length + 1) * columns() * units());
    d_c_.grow(columns() * units());
  }

  void activate(const StepShare& s, const float* const* addends) override {
    kernels().lstm_forward(s.columns, units(), s.units.first, s.units.count, gates(s.row), addends,
                           c(s.t) + s.state, c(s.t + 1) + s.state, h(s.t + 1) + s.state);
  }

  void start_backward(const WindowShare& share) override {
    const Range mine = share.units();
    for (std::int64_t column = share.columns.first; column < share.columns.end(); ++column) {
      std::fill_n(d_c_.data() + column * units() + mine.first, mine.count, 0.0F);
    }
  }

  void differentiate(const StepShare& s, const float* d_output) override {
    kernels().lstm_backward(s.columns, units(), s.units.first, s.units.count, gates(s.row), c(s.t) + s.state,
                            c(s.t + 1) + s.state, d_output, d_h() + s.state, d_c_.data() + s.state);
  }

  AlignedBuffer c_;    ///< before each time step, and after the last: [columns, units]
  AlignedBuffer d_c_;  ///< [columns, units]
};

}  // namespace

std::unique_ptr<NativeLayer> make_native_lstm(const NativeLayerOptions& options) {
  return std::make_unique<LstmLayer>(options);
}

}  // namespace charrnn
