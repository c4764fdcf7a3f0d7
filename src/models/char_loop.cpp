// The notebook's first models: a recurrent network out of linear layers. CharLoopModel (and Char3Model, the
// same over three characters) adds a character to the hidden state, CharLoopConcatModel puts it beside.
#include <utility>

#include "models/recurrent_core.hpp"

namespace charrnn {

namespace {

class CharLoop final : public RecurrentCore {
 public:
  CharLoop(bool concat, std::vector<at::Tensor> weights) : concat_(concat), weights_(std::move(weights)) {}

  at::Tensor run(at::Tensor x, TorchState& state, const TorchDropout& dropout) override {
    const at::Tensor &in = weights_[0], &in_bias = weights_[1], &hidden_bias = weights_[3];
    const at::Tensor hidden = dropout.of_weights(weights_[2], 0);
    at::Tensor h = state[kH][0][0];
    std::vector<at::Tensor> outputs;
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      const at::Tensor read = at::relu(at::linear(concat_ ? at::cat({h, x[t]}, 1) : x[t], in, in_bias));
      h = at::tanh(at::linear(concat_ ? read : h + read, hidden, hidden_bias));
      outputs.push_back(h);
    }
    state[kH][0] = h.unsqueeze(0);
    return dropout.of_outputs(at::stack(outputs), 0);
  }

 private:
  bool concat_;
  std::vector<at::Tensor> weights_;  ///< l_in.weight, l_in.bias, l_hidden.weight, l_hidden.bias
};

}  // namespace

std::unique_ptr<RecurrentCore> make_char_loop(bool concat, std::vector<at::Tensor> weights) {
  return std::make_unique<CharLoop>(concat, std::move(weights));
}

}  // namespace charrnn
