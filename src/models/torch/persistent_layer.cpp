// RNN, GRU and LSTM by recurrent kernels of our own (models/cuda/), for GPUs, in bfloat16. What is a product over all time
// steps is ATen's. Only in the CUDA build.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <vector>

#include "models/cells.hpp"
#include "models/cuda/recurrence.hpp"
#include "models/torch/gpu_stream.hpp"
#include "models/torch/torch_layer.hpp"

namespace charrnn {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

using Maybe = std::optional<at::Tensor>;

Bf16Bits* bits_of(const Maybe& tensor) {
  return tensor ? reinterpret_cast<Bf16Bits*>(tensor->data_ptr<at::BFloat16>()) : nullptr;
}
float* floats_of(const Maybe& tensor) {
  return tensor ? tensor->data_ptr<float>() : nullptr;
}

at::Tensor no_arrivals(const RecurrenceShape& shape, const at::Tensor& like) {
  return at::zeros({shape.columns / kRecurrenceTile}, like.options().dtype(at::kInt));
}
unsigned* counters_of(const at::Tensor& arrivals) {
  return reinterpret_cast<unsigned*>(arrivals.data_ptr<int>());
}

/// The kernels as one node of autograd's graph; no gradient flows into or out of the states.
class Recurrence : public torch::autograd::Function<Recurrence> {
 public:
  /// from_input [length, columns, gates · hidden] and weights are bfloat16, `bias` (of RecurrenceForward) and states
  /// [columns, hidden] float32; columns are a multiple of kRecurrenceTile. Only the GRU has a bias, only the LSTM c. Returns
  /// outputs, in bfloat16, and the states after.
  static variable_list forward(AutogradContext* context, const at::Tensor& from_input, const at::Tensor& weights,
                               const Maybe& bias, const at::Tensor& h0, const Maybe& c0, RecurrentCell cell,
                               bool for_backward) {
    const at::Tensor gates = from_input.contiguous(), matrix = weights.contiguous();
    const RecurrenceShape shape{gates.size(0), gates.size(1), matrix.size(1)};
    const auto& [length, columns, hidden] = shape;
    const at::Tensor h = at::empty({length + 1, columns, hidden}, gates.options());
    h[0].copy_(h0);
    const bool keeps_state = for_backward && cell == RecurrentCell::kLstm;
    Maybe state, kept;
    if (cell != RecurrentCell::kRnn) {
      state = at::empty({keeps_state ? length + 1 : 1, columns, hidden}, h0.options());
      (*state)[0].copy_(cell == RecurrentCell::kGru ? h0 : *c0);
    }
    if (for_backward) kept = at::empty({length, columns, kept_of(cell) * hidden}, gates.options());
    const at::Tensor arrivals = no_arrivals(shape, gates);
    enqueue_recurrence(cell,
                       RecurrenceForward{.shape = shape,
                                         .from_input = bits_of(gates),
                                         .weights = bits_of(matrix),
                                         .bias = floats_of(bias),
                                         .h = bits_of(h),
                                         .state = floats_of(state),
                                         .state_stride = keeps_state ? columns * hidden : 0,
                                         .kept = bits_of(kept),
                                         .arrivals = counters_of(arrivals)},
                       gpu_stream());
    if (for_backward) {
      context->save_for_backward({matrix, h, *kept, keeps_state ? *state : at::Tensor()});
      context->saved_data["cell"] = static_cast<std::int64_t>(cell);
    }
    variable_list results{h.slice(0, 1), cell == RecurrentCell::kGru ? (*state)[0] : h[length].to(at::kFloat)};
    if (cell == RecurrentCell::kLstm) results.push_back((*state)[-1]);
    context->mark_non_differentiable({results.begin() + 1, results.end()});
    return results;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &matrix = saved[0], &h = saved[1], &kept = saved[2], &state = saved[3];
    const auto cell = static_cast<RecurrentCell>(context->saved_data["cell"].toInt());
    const at::Tensor of_outputs = gradients[0].contiguous();
    const RecurrenceShape shape{of_outputs.size(0), of_outputs.size(1), of_outputs.size(2)};
    const auto& [length, columns, hidden] = shape;
    const at::Tensor of_input = at::empty({length, columns, gates_of(cell) * hidden}, of_outputs.options());
    const at::Tensor of_hidden = cell == RecurrentCell::kGru ? at::empty_like(of_input) : of_input;
    const at::Tensor carried = at::empty({columns, hidden}, of_outputs.options().dtype(at::kFloat));
    const at::Tensor arrivals = no_arrivals(shape, of_outputs);
    enqueue_recurrence(cell,
                       RecurrenceBackward{.shape = shape,
                                          .of_outputs = bits_of(of_outputs),
                                          .weights = bits_of(matrix),
                                          .h = bits_of(h),
                                          .kept = bits_of(kept),
                                          .state = state.defined() ? floats_of(state) : nullptr,
                                          .of_input = bits_of(of_input),
                                          .of_hidden = bits_of(of_hidden),
                                          .carried = floats_of(carried),
                                          .arrivals = counters_of(arrivals)},
                       gpu_stream());
    const at::Tensor before = h.slice(0, 0, length).flatten(0, 1);
    const at::Tensor of_weights = at::mm(of_hidden.flatten(0, 1).t(), before);
    const at::Tensor of_bias =
        cell == RecurrentCell::kGru
            ? of_hidden.narrow(2, 2 * hidden, hidden).sum(at::IntArrayRef{0, 1}, false, at::kFloat)
            : at::Tensor();
    const Variable none;
    return {of_input, of_weights, of_bias, none, none, none, none};
  }
};

/// Zeros for the columns that are missing in the last tile. They get no gradient.
at::Tensor with_full_tiles(const at::Tensor& x) {
  const std::int64_t missing = (kRecurrenceTile - x.size(1) % kRecurrenceTile) % kRecurrenceTile;
  return missing == 0 ? x : at::constant_pad_nd(x, {0, 0, 0, missing});
}

class PersistentLayer final : public TorchLayer {
 public:
  explicit PersistentLayer(RecurrentCell cell) : cell_(cell) {}

  /// x in float32 or bfloat16; outputs in bfloat16. weights: weight_ih, weight_hh, bias_ih, bias_hh
  at::Tensor run(const at::Tensor& x, std::span<const at::Tensor> weights, std::span<at::Tensor> states) override {
    const std::int64_t columns = x.size(1), hidden = weights[1].size(1);
    at::Tensor of_input = weights[2] + weights[3];
    Maybe of_candidate;
    if (cell_ == RecurrentCell::kGru) {  // the reset gate applies to the candidate's hidden part, bias included
      of_input = weights[2] + at::constant_pad_nd(weights[3].slice(0, 0, 2 * hidden), {0, hidden});
      of_candidate = weights[3].slice(0, 2 * hidden).contiguous();
    }
    const at::Tensor from_input =
        at::linear(with_full_tiles(x.to(at::kBFloat16)), weights[0].to(at::kBFloat16), of_input.to(at::kBFloat16));
    std::vector<at::Tensor> before;
    for (const at::Tensor& state : states) before.push_back(with_full_tiles(state)[0]);
    const variable_list after =
        Recurrence::apply(from_input, weights[1].to(at::kBFloat16), of_candidate, before[0],
                          before.size() > 1 ? Maybe(before[1]) : Maybe(), cell_, at::GradMode::is_enabled());
    for (std::size_t i = 0; i < states.size(); ++i) states[i] = after[i + 1].slice(0, 0, columns).unsqueeze(0);
    return after[0].slice(1, 0, columns).contiguous();
  }

 private:
  RecurrentCell cell_;
};

}  // namespace

std::unique_ptr<TorchLayer> make_persistent_layer(const TorchLayerOptions& options) {
  return std::make_unique<PersistentLayer>(find_cell(options.model.model).recurrence.value());
}

}  // namespace charrnn
