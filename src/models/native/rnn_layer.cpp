// The plain recurrent layer (torch.nn.RNN with tanh).
#include "models/native/recurrent_layer.hpp"

namespace charrnn {

namespace {

class RnnLayer final : public RecurrentLayer {
 public:
  explicit RnnLayer(const NativeLayerOptions& options) : RecurrentLayer(1, options) {}

 private:
  void activate(const StepShare& s, const float* const* addends) override {
    kernels().rnn_forward(s.columns, units(), s.units.first, s.units.count, gates(s.row), addends,
                          h(s.t + 1) + s.state);
  }

  void differentiate(const StepShare& s, const float* d_output) override {
    kernels().rnn_backward(s.columns, units(), s.units.first, s.units.count, gates(s.row),
                           h(s.t + 1) + s.state, d_output, d_h() + s.state);
  }
};

}  // namespace

std::unique_ptr<NativeLayer> make_native_rnn(const NativeLayerOptions& options) {
  return std::make_unique<RnnLayer>(options);
}

}  // namespace charrnn
