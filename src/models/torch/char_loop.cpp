// The notebook's first models: a recurrent network out of linear layers. CharLoopModel (and Char3Model, the
// same over three characters) adds a character to the hidden state, CharLoopConcatModel puts it beside.
#include <ATen/ATen.h>

#include <vector>

#include "models/torch/torch_layer.hpp"

namespace charrnn {

namespace {

class CharLoop final : public TorchLayer {
 public:
  explicit CharLoop(bool concat) : concat_(concat) {}

  /// weights: l_in.weight, l_in.bias, l_hidden.weight, l_hidden.bias
  at::Tensor run(const at::Tensor& x, std::span<const at::Tensor> weights,
                 std::span<at::Tensor> states) override {
    at::Tensor h = states[0][0];
    std::vector<at::Tensor> outputs;
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      const at::Tensor in = concat_ ? at::cat({h, x[t]}, 1) : x[t];
      const at::Tensor read = at::relu(at::linear(in, weights[0], weights[1]));
      h = at::tanh(at::linear(concat_ ? read : h + read, weights[2], weights[3]));
      outputs.push_back(h);
    }
    states[0] = h.unsqueeze(0);
    return at::stack(outputs);
  }

 private:
  bool concat_;
};

}  // namespace

std::unique_ptr<TorchLayer> make_char_loop(const TorchLayerOptions& /*options*/) {
  return std::make_unique<CharLoop>(/*concat=*/false);
}

std::unique_ptr<TorchLayer> make_char_loop_concat(const TorchLayerOptions& /*options*/) {
  return std::make_unique<CharLoop>(/*concat=*/true);
}

}  // namespace charrnn
