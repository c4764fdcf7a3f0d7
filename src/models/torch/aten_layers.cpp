// RNN, GRU and LSTM by ATen's layers: cuDNN's on GPUs. The LSTM on CPUs is our own (lstm_layer.hpp says why).
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <string>
#include <tuple>

#include "models/torch/lstm_layer.hpp"
#include "models/torch/torch_layer.hpp"

namespace charrnn {

namespace {

/// LibTorch warns at every call whose weights it has to copy together for cuDNN: in layers of odd sizes, between whose
/// parameters the layout leaves gaps. It costs little, and users can do nothing about it.
class WithoutCompactionWarning : public c10::WarningHandler {
  void process(const c10::Warning& warning) override {
    if (warning.msg().find("single contiguous chunk") == std::string::npos) WarningHandler::process(warning);
  }
};

/// A window of one of the cells. `weights`: weight_ih, weight_hh, bias_ih, bias_hh.
using RunWindow = at::Tensor (*)(const at::Tensor& x, at::TensorList weights, std::span<at::Tensor> states);

class AtenLayer final : public TorchLayer {
 public:
  explicit AtenLayer(RunWindow window) : run_(window) {}
  at::Tensor run(const at::Tensor& x, std::span<const at::Tensor> weights,
                 std::span<at::Tensor> states) override {
    WithoutCompactionWarning handler;
    const c10::WarningUtils::WarningHandlerGuard guard(&handler);
    return run_(x, {weights.data(), weights.size()}, states);
  }

 private:
  RunWindow run_;
};

/// cuDNN keeps what its backward pass needs only in training.
bool is_training() {
  return at::GradMode::is_enabled();
}

at::Tensor run_rnn(const at::Tensor& x, at::TensorList weights, std::span<at::Tensor> states) {
  at::Tensor outputs;
  std::tie(outputs, states[0]) =
      at::rnn_tanh(x, states[0], weights, true, 1, 0.0, is_training(), false, false);
  return outputs;
}

at::Tensor run_gru(const at::Tensor& x, at::TensorList weights, std::span<at::Tensor> states) {
  at::Tensor outputs;
  std::tie(outputs, states[0]) = at::gru(x, states[0], weights, true, 1, 0.0, is_training(), false, false);
  return outputs;
}

at::Tensor run_lstm(const at::Tensor& x, at::TensorList weights, std::span<at::Tensor> states) {
  at::Tensor outputs;
  std::tie(outputs, states[0], states[1]) =
      at::lstm(x, {states[0], states[1]}, weights, true, 1, 0.0, is_training(), false, false);
  return outputs;
}

at::Tensor run_lstm_on_cpu(const at::Tensor& x, at::TensorList weights, std::span<at::Tensor> states) {
  auto [outputs, h, c] =
      lstm_layer(at::linear(x, weights[0], weights[2] + weights[3]), states[0][0], states[1][0], weights[1]);
  states[0] = h.unsqueeze(0);
  states[1] = c.unsqueeze(0);
  return outputs;
}

}  // namespace

std::unique_ptr<TorchLayer> make_torch_rnn(const TorchLayerOptions& /*options*/) {
  return std::make_unique<AtenLayer>(run_rnn);
}

std::unique_ptr<TorchLayer> make_torch_gru(const TorchLayerOptions& /*options*/) {
  return std::make_unique<AtenLayer>(run_gru);
}

std::unique_ptr<TorchLayer> make_torch_lstm(const TorchLayerOptions& options) {
  return std::make_unique<AtenLayer>(options.device.cuda ? run_lstm : run_lstm_on_cpu);
}

}  // namespace charrnn
