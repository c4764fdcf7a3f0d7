// One recurrent layer written out, row after row: the definition of the three cells that the fast layers are
// tested against. Formulas: PyTorch's documentation of RNNCell, GRUCell and LSTMCell.
#include <ATen/ATen.h>

#include <vector>

#include "models/torch/torch_layer.hpp"

namespace charrnn {

namespace {

/// One time step: what the gates get from the input and from h, biases included; `states` [columns, hidden] move on.
using Step = void (*)(const at::Tensor& from_input, const at::Tensor& from_hidden,
                      std::span<at::Tensor> states);

class CellLoop final : public TorchLayer {
 public:
  explicit CellLoop(Step step) : step_(step) {}

  /// weights: weight_ih, weight_hh, bias_ih, bias_hh
  at::Tensor run(const at::Tensor& x, std::span<const at::Tensor> weights,
                 std::span<at::Tensor> states) override {
    std::vector<at::Tensor> now, outputs;
    for (const at::Tensor& state : states) now.push_back(state[0]);
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      const at::Tensor from_input = at::linear(x[t], weights[0], weights[2]);
      step_(from_input, at::linear(now[0], weights[1], weights[3]), now);
      outputs.push_back(now[0]);
    }
    for (std::size_t i = 0; i < now.size(); ++i) states[i] = now[i].unsqueeze(0);
    return at::stack(outputs);
  }

 private:
  Step step_;
};

void step_rnn(const at::Tensor& from_input, const at::Tensor& from_hidden, std::span<at::Tensor> states) {
  states[0] = at::tanh(from_input + from_hidden);
}

void step_gru(const at::Tensor& from_input, const at::Tensor& from_hidden, std::span<at::Tensor> states) {
  const std::vector<at::Tensor> i = from_input.chunk(3, 1), j = from_hidden.chunk(3, 1);
  const at::Tensor reset = at::sigmoid(i[0] + j[0]), update = at::sigmoid(i[1] + j[1]);
  const at::Tensor candidate = at::tanh(i[2] + reset * j[2]);
  states[0] = candidate + update * (states[0] - candidate);
}

void step_lstm(const at::Tensor& from_input, const at::Tensor& from_hidden, std::span<at::Tensor> states) {
  const std::vector<at::Tensor> s = (from_input + from_hidden).chunk(4, 1);  // input, forget, cell, output
  states[1] = at::sigmoid(s[1]) * states[1] + at::sigmoid(s[0]) * at::tanh(s[2]);
  states[0] = at::sigmoid(s[3]) * at::tanh(states[1]);
}

}  // namespace

std::unique_ptr<TorchLayer> make_rnn_cell_loop(const TorchLayerOptions& /*options*/) {
  return std::make_unique<CellLoop>(step_rnn);
}

std::unique_ptr<TorchLayer> make_gru_cell_loop(const TorchLayerOptions& /*options*/) {
  return std::make_unique<CellLoop>(step_gru);
}

std::unique_ptr<TorchLayer> make_lstm_cell_loop(const TorchLayerOptions& /*options*/) {
  return std::make_unique<CellLoop>(step_lstm);
}

}  // namespace charrnn
