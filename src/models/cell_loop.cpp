// One recurrent layer written out, row after row: the definition of the three cells that the fast layers are
// tested against. Formulas: PyTorch's documentation of RNNCell, GRUCell and LSTMCell.
#include <utility>

#include "models/recurrent_core.hpp"

namespace charrnn {

namespace {

class CellLoop final : public RecurrentCore {
 public:
  CellLoop(Cell cell, std::vector<at::Tensor> weights) : cell_(cell), weights_(std::move(weights)) {}

  at::Tensor run(at::Tensor x, TorchState& state, const TorchDropout& dropout) override {
    const at::Tensor w_hh = dropout.of_weights(weights_[1], 0);
    at::Tensor h = state[kH][0][0], c = cell_ == Cell::kLstm ? state[kC][0][0] : at::Tensor();
    std::vector<at::Tensor> outputs;
    for (std::int64_t t = 0; t < x.size(0); ++t) {
      const at::Tensor from_input = at::linear(x[t], weights_[0], weights_[2]);
      const at::Tensor from_hidden = at::linear(h, w_hh, weights_[3]);
      if (cell_ == Cell::kRnn) {
        h = at::tanh(from_input + from_hidden);
      } else if (cell_ == Cell::kGru) {
        h = gru(from_input, from_hidden, h);
      } else {
        std::tie(h, c) = lstm(from_input + from_hidden, c);
      }
      outputs.push_back(h);
    }
    state[kH][0] = h.unsqueeze(0);
    if (cell_ == Cell::kLstm) state[kC][0] = c.unsqueeze(0);
    return dropout.of_outputs(at::stack(outputs), 0);
  }

 private:
  static at::Tensor gru(const at::Tensor& from_input, const at::Tensor& from_hidden, const at::Tensor& h) {
    const std::vector<at::Tensor> i = from_input.chunk(3, 1), j = from_hidden.chunk(3, 1);
    const at::Tensor reset = at::sigmoid(i[0] + j[0]), update = at::sigmoid(i[1] + j[1]);
    const at::Tensor candidate = at::tanh(i[2] + reset * j[2]);
    return candidate + update * (h - candidate);
  }

  static std::pair<at::Tensor, at::Tensor> lstm(const at::Tensor& sums, const at::Tensor& c) {
    const std::vector<at::Tensor> s = sums.chunk(4, 1);  // input, forget, cell, output
    const at::Tensor after = at::sigmoid(s[1]) * c + at::sigmoid(s[0]) * at::tanh(s[2]);
    return {at::sigmoid(s[3]) * at::tanh(after), after};
  }

  Cell cell_;
  std::vector<at::Tensor> weights_;  ///< weight_ih, weight_hh, bias_ih, bias_hh
};

}  // namespace

std::unique_ptr<RecurrentCore> make_cell_loop(Cell cell, std::vector<at::Tensor> weights) {
  return std::make_unique<CellLoop>(cell, std::move(weights));
}

}  // namespace charrnn
