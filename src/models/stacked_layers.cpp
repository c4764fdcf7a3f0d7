// Stacked RNN, GRU and LSTM by ATen's layers. One layer a call, so that the masks between them can be our
// own, which are the same on any number of ranks.
#include <ATen/core/grad_mode.h>

#include <string>
#include <tuple>
#include <utility>

#include "models/lstm_layer.hpp"
#include "models/recurrent_core.hpp"

namespace charrnn {

namespace {

/// LibTorch tells of every call whose weights it has to copy together for cuDNN: of layers of odd sizes,
/// between whose parameters the layout leaves gaps. It costs little, and users cannot mend it.
class WithoutCompactionWarning : public c10::WarningHandler {
  void process(const c10::Warning& warning) override {
    if (warning.msg().find("single contiguous chunk") == std::string::npos) WarningHandler::process(warning);
  }
};

class StackedLayers final : public RecurrentCore {
 public:
  StackedLayers(Cell cell, std::vector<at::Tensor> weights) : cell_(cell), weights_(std::move(weights)) {}

  at::Tensor run(at::Tensor x, TorchState& state, const TorchDropout& dropout) override {
    WithoutCompactionWarning handler;
    const c10::WarningUtils::WarningHandlerGuard guard(&handler);
    const bool training = at::GradMode::is_enabled();  // cuDNN keeps what its backward pass needs only then
    for (std::int64_t layer = 0; layer < std::ssize(state[kH]); ++layer) {
      const auto l = static_cast<std::size_t>(layer);
      const at::Tensor* own = &weights_[4 * l];
      const std::vector<at::Tensor> weights = {own[0], dropout.of_weights(own[1], layer), own[2], own[3]};
      if (cell_ == Cell::kLstm && x.is_cpu()) {
        at::Tensor h, c;
        std::tie(x, h, c) = lstm_layer(at::linear(x, weights[0], weights[2] + weights[3]), state[kH][l][0],
                                       state[kC][l][0], weights[1]);
        state[kH][l] = h.unsqueeze(0);
        state[kC][l] = c.unsqueeze(0);
      } else if (cell_ == Cell::kLstm) {
        std::tie(x, state[kH][l], state[kC][l]) =
            at::lstm(x, {state[kH][l], state[kC][l]}, weights, true, 1, 0.0, training, false, false);
      } else if (cell_ == Cell::kGru) {
        std::tie(x, state[kH][l]) = at::gru(x, state[kH][l], weights, true, 1, 0.0, training, false, false);
      } else {
        std::tie(x, state[kH][l]) =
            at::rnn_tanh(x, state[kH][l], weights, true, 1, 0.0, training, false, false);
      }
      x = dropout.of_outputs(x.to(at::kFloat), layer);  // autocast leaves bf16
    }
    return x;
  }

 private:
  Cell cell_;
  std::vector<at::Tensor> weights_;  ///< four a layer: weight_ih, weight_hh, bias_ih, bias_hh
};

}  // namespace

std::unique_ptr<RecurrentCore> make_stacked_layers(Cell cell, std::vector<at::Tensor> weights) {
  return std::make_unique<StackedLayers>(cell, std::move(weights));
}

}  // namespace charrnn
