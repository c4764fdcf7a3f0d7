#include "models/recurrence_checks.hpp"

#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <tuple>
#include <utility>

#include "models/torch/gpu_stream.hpp"
#include "models/torch/torch_layer.hpp"

namespace charrnn {

namespace {

constexpr std::uint64_t kSeed = 4711;

std::unique_ptr<TorchLayer> make_layer(RecurrentCell cell, const at::Device& device) {
  ModelConfig model;
  model.model = name_of(cell);
  return make_persistent_layer({model, 0, Device{.cuda = device.is_cuda()}, Precision::kBf16});
}

/// Of a layer, in float64 on the CPU. weights: weight_ih, weight_hh, bias_ih, bias_hh
struct Given {
  at::Tensor x;
  std::vector<at::Tensor> weights, states;
  at::Tensor of_outputs;  ///< gradient

  explicit Given(const RecurrenceCase& at) {
    at::manual_seed(kSeed);
    const at::TensorOptions options(at::kDouble);
    const std::int64_t rows = gates_of(at.cell) * at.hidden;
    const double bound = 1 / std::sqrt(static_cast<double>(at.hidden));
    const auto uniform = [&](at::IntArrayRef shape) { return (at::rand(shape, options) * 2 - 1) * bound; };
    weights = {uniform({rows, at.inputs}), uniform({rows, at.hidden}), uniform({rows}), uniform({rows})};
    x = at::randn({at.length, at.columns, at.inputs}, options);
    states.push_back(at::tanh(at::randn({1, at.columns, at.hidden}, options)));
    if (at.cell == RecurrentCell::kLstm) states.push_back(at::randn({1, at.columns, at.hidden}, options));
    of_outputs = at::randn({at.length, at.columns, at.hidden}, options);
  }
};

/// Outputs, states; gradients of x and of the weights, with names for messages.
using Results = std::vector<std::pair<std::string, at::Tensor>>;

Results results(const std::vector<at::Tensor>& leaves, const at::Tensor& outputs, const std::vector<at::Tensor>& states,
                const at::Tensor& of_outputs) {
  (outputs.to(of_outputs.dtype()) * of_outputs).sum().backward();
  Results all{{"outputs", outputs}};
  for (const at::Tensor& state : states) all.emplace_back("state after", state);
  for (const at::Tensor& leaf : leaves) all.emplace_back("gradient " + std::to_string(all.size()), leaf.grad());
  for (auto& [name, tensor] : all) tensor = tensor.detach().to(at::kCPU, at::kDouble);
  return all;
}

Results of_pytorch(const RecurrenceCase& at, const Given& given) {
  std::vector<at::Tensor> leaves{given.x.clone()};
  for (const at::Tensor& weight : given.weights) leaves.push_back(weight.clone());
  for (const at::Tensor& leaf : leaves) leaf.requires_grad_(true);
  const std::vector<at::Tensor> weights(leaves.begin() + 1, leaves.end());
  at::Tensor outputs;
  std::vector<at::Tensor> states = given.states;
  if (at.cell == RecurrentCell::kRnn) {
    std::tie(outputs, states[0]) = at::rnn_tanh(leaves[0], states[0], weights, true, 1, 0.0, true, false, false);
  } else if (at.cell == RecurrentCell::kGru) {
    std::tie(outputs, states[0]) = at::gru(leaves[0], states[0], weights, true, 1, 0.0, true, false, false);
  } else {
    std::tie(outputs, states[0], states[1]) = at::lstm(leaves[0], states, weights, true, 1, 0.0, true, false, false);
  }
  return results(leaves, outputs, states, given.of_outputs);
}

std::vector<at::Tensor> in_float(const std::vector<at::Tensor>& tensors, const at::Device& device) {
  std::vector<at::Tensor> copies;
  for (const at::Tensor& tensor : tensors) copies.push_back(tensor.to(device, at::kFloat));
  return copies;
}

Results of_layer(const RecurrenceCase& at, const Given& given, const at::Device& device) {
  std::vector<at::Tensor> leaves = in_float(given.weights, device), states = in_float(given.states, device);
  leaves.insert(leaves.begin(), given.x.to(device, at::kFloat));
  for (const at::Tensor& leaf : leaves) leaf.requires_grad_(true);
  const at::Tensor outputs = make_layer(at.cell, device)->run(leaves[0], std::span(leaves).subspan(1), states);
  return results(leaves, outputs, states, given.of_outputs.to(device, at::kFloat));
}

/// What the kernels read, for `columns` columns: all but the weights has the columns in its second dimension.
struct KernelInput {
  at::Tensor from_input, weights, bias, h0, state0, of_outputs;

  KernelInput(const RecurrenceCase& at, const at::Device& device) {
    at::manual_seed(kSeed);
    const std::int64_t rows = gates_of(at.cell) * at.hidden;
    const double scale = 1 / std::sqrt(static_cast<double>(at.hidden));
    const auto normal = [&](at::IntArrayRef shape, at::ScalarType type) { return at::randn(shape).to(device, type); };
    from_input = normal({at.length, at.columns, rows}, at::kBFloat16);
    weights = normal({rows, at.hidden}, at::kBFloat16) * scale;
    bias = normal({at.hidden}, at::kFloat);
    h0 = at::tanh(normal({1, at.columns, at.hidden}, at::kFloat));
    state0 = at.cell == RecurrentCell::kGru ? h0 : normal({1, at.columns, at.hidden}, at::kFloat);
    of_outputs = normal({at.length, at.columns, at.hidden}, at::kBFloat16);
  }
  /// Only some columns.
  KernelInput of(const at::Tensor& columns) const {
    KernelInput part = *this;
    for (at::Tensor* tensor : {&part.from_input, &part.h0, &part.state0, &part.of_outputs}) {
      *tensor = tensor->index_select(1, columns);
    }
    return part;
  }
};

std::vector<at::Tensor> run_kernels(RecurrentCell cell, const KernelInput& in) {
  const std::int64_t length = in.of_outputs.size(0), columns = in.of_outputs.size(1), hidden = in.of_outputs.size(2);
  const auto nans = [&](at::IntArrayRef shape, at::ScalarType type) {
    return at::full(shape, NAN, in.weights.options().dtype(type));
  };
  const bool is_lstm = cell == RecurrentCell::kLstm;
  const at::Tensor h = nans({length + 1, columns, hidden}, at::kBFloat16);
  const at::Tensor state = nans({is_lstm ? length + 1 : 1, columns, hidden}, at::kFloat);
  const at::Tensor kept = nans({length, columns, kept_of(cell) * hidden}, at::kBFloat16);
  const at::Tensor of_input = nans({length, columns, gates_of(cell) * hidden}, at::kBFloat16);
  const at::Tensor of_hidden = cell == RecurrentCell::kGru ? nans(of_input.sizes(), at::kBFloat16) : of_input;
  const at::Tensor carried = nans({columns, hidden}, at::kFloat);
  const at::Tensor arrivals = at::zeros({2, columns / kRecurrenceTile}, in.weights.options().dtype(at::kInt));
  h[0].copy_(in.h0[0]);
  state[0].copy_(in.state0[0]);
  const auto bits = [](const at::Tensor& tensor) {
    return reinterpret_cast<Bf16Bits*>(tensor.data_ptr<at::BFloat16>());
  };
  auto* const counters = reinterpret_cast<unsigned*>(arrivals.data_ptr<int>());
  const RecurrenceShape shape{length, columns, hidden};
  enqueue_recurrence(cell,
                     RecurrenceForward{shape, bits(in.from_input), bits(in.weights), in.bias.data_ptr<float>(), bits(h),
                                       state.data_ptr<float>(), is_lstm ? columns * hidden : 0, bits(kept), counters},
                     gpu_stream());
  enqueue_recurrence(cell,
                     RecurrenceBackward{shape, bits(in.of_outputs), bits(in.weights), bits(h), bits(kept),
                                        state.data_ptr<float>(), bits(of_input), bits(of_hidden),
                                        carried.data_ptr<float>(), counters + columns / kRecurrenceTile},
                     gpu_stream());
  return {h, state, kept, of_input, of_hidden};
}

}  // namespace

std::string name_of(RecurrentCell cell) {
  return cell == RecurrentCell::kRnn ? "rnn" : cell == RecurrentCell::kGru ? "gru" : "lstm";
}

std::ostream& operator<<(std::ostream& to, const RecurrenceCase& at) {
  return to << name_of(at.cell) << ", " << at.hidden << " units, " << at.columns << " columns, " << at.length
            << " time steps, " << at.inputs << " inputs";
}

void expect_like_float64(const RecurrenceCase& at, const at::Device& device) {
  const Given given(at);
  const Results expected = of_pytorch(at, given), found = of_layer(at, given, device);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const at::Tensor &right = expected[i].second, &ours = found[i].second;
    ASSERT_EQ(ours.sizes(), right.sizes()) << expected[i].first;
    const double error = ((ours - right).abs().max() / right.abs().max()).item<double>();
    EXPECT_LT(error, 1e-2) << at << ": " << expected[i].first;
  }
}

void expect_evaluation_like_training(const RecurrenceCase& at, const at::Device& device) {
  const Given given(at);
  const Results in_training = of_layer(at, given, device);
  const c10::NoGradGuard no_grad;
  const std::vector<at::Tensor> weights = in_float(given.weights, device);
  std::vector<at::Tensor> found = in_float(given.states, device);
  found.insert(found.begin(), make_layer(at.cell, device)->run(given.x.to(device, at::kFloat), weights, found));
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_TRUE(at::equal(found[i].to(at::kCPU, at::kDouble), in_training[i].second)) << at << ": result " << i;
  }
}

void expect_columns_like_alone(const RecurrenceCase& at, const at::Device& device) {
  const KernelInput all(at, device);
  at::manual_seed(kSeed + 1);
  const at::Tensor some = at::randperm(at.columns, at::kLong).slice(0, 0, kRecurrenceTile).to(device);
  const std::vector<at::Tensor> among = run_kernels(at.cell, all), alone = run_kernels(at.cell, all.of(some));
  for (std::size_t i = 0; i < among.size(); ++i) {
    EXPECT_TRUE(at::equal(among[i].index_select(1, some), alone[i])) << at << ": result " << i;
  }
}

std::vector<at::Tensor> all_results(const RecurrenceCase& at, const at::Device& device) {
  return run_kernels(at.cell, KernelInput(at, device));
}

}  // namespace charrnn
