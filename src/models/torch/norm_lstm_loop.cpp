// The layer of an LSTM whose cell state is normalised on its way to the output, row after row (models/cells.cpp has the
// formula).
#include <ATen/ATen.h>

#include <vector>

#include "models/torch/torch_layer.hpp"

namespace charrnn {

namespace {

class NormLstmLoop final : public TorchLayer {
 public:
  /// weights: weight_ih, weight_hh, bias_ih, bias_hh, norm_weight, norm_bias
  at::Tensor run(const at::Tensor& x, std::span<const at::Tensor> weights, std::span<at::Tensor> states) override {
    // Under autocast the products' results are bfloat16; all else is float32, as in the native engine.
    const at::Tensor from_inputs = at::linear(x, weights[0], weights[2]).to(at::kFloat);
    at::Tensor h = states[0][0], c = states[1][0];
    std::vector<at::Tensor> outputs;
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      const std::vector<at::Tensor> gate = (from_inputs[t] + at::linear(h, weights[1], weights[3])).chunk(4, 1);
      c = at::sigmoid(gate[1]) * c + at::sigmoid(gate[0]) * at::tanh(gate[2]);  // input, forget, cell, output
      h = at::sigmoid(gate[3]) * at::tanh(at::layer_norm(c, {c.size(1)}, weights[4], weights[5]));
      outputs.push_back(h);
    }
    states[0] = h.unsqueeze(0);
    states[1] = c.unsqueeze(0);
    return at::stack(outputs);
  }
};

}  // namespace

std::unique_ptr<TorchLayer> make_torch_norm_lstm(const TorchLayerOptions& /*options*/) {
  return std::make_unique<NormLstmLoop>();
}

}  // namespace charrnn
