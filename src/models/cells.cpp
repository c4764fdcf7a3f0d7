#include "models/cells.hpp"

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "models/native/native_layer.hpp"

namespace charrnn {

namespace {

double bound_of(std::int64_t fan_in) {
  return 1 / std::sqrt(static_cast<double>(fan_in));
}

/// Of a cell with gates stacked in the first dimension, in PyTorch's order (torch.nn.RNN, GRU, LSTM).
template <std::int64_t gates>
std::vector<Parameter> gated(std::int64_t inputs, std::int64_t hidden) {
  const std::int64_t rows = gates * hidden;
  const double bound = bound_of(hidden);
  return {{.name = "rnn.weight_ih", .shape = {rows, inputs}, .role = Role::kWeight, .bound = bound},
          {.name = "rnn.weight_hh", .shape = {rows, hidden}, .role = Role::kRecurrentWeight, .bound = bound},
          {.name = "rnn.bias_ih", .shape = {rows}, .role = Role::kBias, .bound = bound},
          {.name = "rnn.bias_hh", .shape = {rows}, .role = Role::kBias, .bound = bound}};
}

/// An LSTM's, and those of its cell state's normalisation: h = o ∘ tanh(layer_norm(c)). Layer normalisation (Ba, Kiros &
/// Hinton, arXiv:1607.06450) of the cell state alone, not of the gates.
std::vector<Parameter> norm_lstm(std::int64_t inputs, std::int64_t hidden) {
  std::vector<Parameter> parameters = gated<4>(inputs, hidden);
  const auto of_norm = [&](const char* name, double value) {
    parameters.push_back({.name = name,
                          .shape = {hidden},
                          .role = Role::kBias,
                          .initialisation = Initialisation::kConstant,
                          .bound = value});
  };
  of_norm("rnn.norm_weight", 1);
  of_norm("rnn.norm_bias", 0);
  return parameters;
}

/// Of the notebook's two linear layers; `concat`: the first one reads the hidden state, too.
template <bool concat>
std::vector<Parameter> two_linear(std::int64_t inputs, std::int64_t hidden) {
  const std::int64_t read = inputs + (concat ? hidden : 0);
  const double in = bound_of(read), out = bound_of(hidden);
  return {{.name = "l_in.weight", .shape = {hidden, read}, .role = Role::kWeight, .bound = in},
          {.name = "l_in.bias", .shape = {hidden}, .role = Role::kBias, .bound = in},
          {.name = "l_hidden.weight", .shape = {hidden, hidden}, .role = Role::kRecurrentWeight, .bound = out},
          {.name = "l_hidden.bias", .shape = {hidden}, .role = Role::kBias, .bound = out}};
}

constexpr CellState kHAndC[] = {{"h"}, {"c"}};
constexpr std::span kH(kHAndC, 1);

const CellSpec kCells[] = {
    {"rnn", true, kH, gated<1>, true, RecurrentCell::kRnn, make_native_rnn},
    {"gru", true, kH, gated<3>, true, RecurrentCell::kGru, make_native_gru},
    {"lstm", true, kHAndC, gated<4>, true, RecurrentCell::kLstm, make_native_lstm},
    {"norm_lstm", true, kHAndC, norm_lstm, true, {}, make_native_norm_lstm, /*is_residual=*/true},
    {"rnn_cell", false, kH, gated<1>, false, {}, nullptr},
    {"gru_cell", false, kH, gated<3>, false, {}, nullptr},
    {"lstm_cell", false, kHAndC, gated<4>, false, {}, nullptr},
    {"char_loop", false, kH, two_linear<false>, false, {}, nullptr},
    {"char_loop_concat", false, kH, two_linear<true>, false, {}, nullptr},
};

/// The notebook's classes. Those that differ only in the data that they are given, or in an option, are one cell.
struct Alias {
  std::string_view notebook, cell;
};
constexpr Alias kAliases[] = {
    {"Char3Model", "char_loop"},
    {"CharLoopModel", "char_loop"},
    {"CharLoopConcatModel", "char_loop_concat"},
    {"CharRnn", "rnn"},
    {"CharSeqRnn", "rnn"},
    {"CharSeqStatefulRnn", "rnn"},
    {"CharSeqStatefulRnn2", "rnn_cell"},
    {"CharSeqStatefulGRU", "gru"},
    {"CharSeqStatefulLSTM", "lstm"},
};

}  // namespace

std::span<const CellSpec> cells() {
  return kCells;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const CellSpec& cell : kCells) names.emplace_back(cell.name);
  for (const Alias& alias : kAliases) names.emplace_back(alias.notebook);
  return names;
}

const CellSpec& find_cell(const std::string& model) {
  const auto* alias = std::ranges::find(kAliases, model, &Alias::notebook);
  const std::string_view name = alias != std::end(kAliases) ? alias->cell : std::string_view(model);
  const auto* found = std::ranges::find(kCells, name, &CellSpec::name);
  require_option(found != std::end(kCells), "model", "unknown `model` '{}'; there are: {}", model,
                 fmt::join(model_names(), " "));
  return *found;
}

}  // namespace charrnn
