#include "models/native/lstm_layer.hpp"

namespace charrnn {

void LstmLayer::resize_cell(std::int64_t length, std::span<const Range> /*micro_batches*/) {
  c_.grow((length + 1) * columns() * units());
  d_c_.grow(columns() * units());
}

void LstmLayer::activate(const StepShare& s, const float* const* addends) {
  kernels().lstm_forward(s.columns, units(), s.units.first, s.units.count, gates(s.row), addends, c(s.t) + s.state,
                         c(s.t + 1) + s.state, h(s.t + 1) + s.state);
}

void LstmLayer::differentiate(const StepShare& s, const float* d_output) {
  kernels().lstm_backward(s.columns, units(), s.units.first, s.units.count, gates(s.row), c(s.t) + s.state,
                          c(s.t + 1) + s.state, d_output, d_h() + s.state, d_c() + s.state);
}

std::unique_ptr<NativeLayer> make_native_lstm(const NativeLayerOptions& options) {
  return std::make_unique<LstmLayer>(options);
}

}  // namespace charrnn
