#include "models/registry.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"

namespace charrnn {

namespace {

constexpr ModelKind kKinds[] = {
    {"rnn", Family::kStacked, Cell::kRnn},
    {"gru", Family::kStacked, Cell::kGru},
    {"lstm", Family::kStacked, Cell::kLstm},
    {"rnn_cell", Family::kCellLoop, Cell::kRnn},
    {"gru_cell", Family::kCellLoop, Cell::kGru},
    {"lstm_cell", Family::kCellLoop, Cell::kLstm},
    {"char_loop", Family::kCharLoop, Cell::kRnn},
    {"char_loop_concat", Family::kCharLoop, Cell::kRnn, /*concat=*/true},
};

/// The notebook's classes. Those that differ only in the data that they are given, or in an option, are one
/// kind.
struct Alias {
  std::string_view notebook, kind;
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

void check_sizes(const ModelConfig& config, const ModelKind& kind) {
  const auto in_range = [](const char* option, std::int64_t value, std::int64_t most) {
    require<UsageError>(value >= 1 && value <= most, "{} must lie in 1 … {}, not {}", option, most, value);
  };
  constexpr std::int64_t kMostLayers = 200, kMostUnits = 65'536;
  in_range("--layers", config.layers, kMostLayers);
  in_range("--hidden", config.hidden, kMostUnits);
  in_range("--embedding", config.embedding, kMostUnits);
  const auto probability = [](const char* option, double value) {
    require<UsageError>(value >= 0 && value < 1, "{} must lie in [0, 1), not {}", option, value);
  };
  probability("--dropout", config.dropout);
  probability("--dropout-input", config.dropout_input);
  probability("--dropout-output", config.dropout_output);
  probability("--weight-dropout", config.weight_dropout);
  require<UsageError>(config.recurrent_init == "uniform" || config.recurrent_init == "identity",
                      "--recurrent-init must be uniform or identity, not '{}'", config.recurrent_init);
  require<UsageError>(kind.family == Family::kStacked || config.layers == 1,
                      "--model {} has one layer; --layers {} is for rnn, gru and lstm", config.model,
                      config.layers);
}

double bound_of(std::int64_t fan_in) {
  return 1 / std::sqrt(static_cast<double>(fan_in));
}

void add_linear(ParameterLayout& layout, const std::string& name, std::int64_t inputs, std::int64_t outputs,
                Start start = Start::kUniform) {
  layout.add(name + ".weight", {outputs, inputs}, start, bound_of(inputs));
  layout.add(name + ".bias", {outputs}, Start::kUniform, bound_of(inputs));
}

/// The parameters of one recurrent layer, with the names of PyTorch's modules.
void add_layer(ParameterLayout& layout, Cell cell, const std::string& suffix, std::int64_t inputs,
               std::int64_t hidden, Start recurrent) {
  const std::int64_t rows = gates(cell) * hidden;
  const double bound = bound_of(hidden);
  layout.add("rnn.weight_ih" + suffix, {rows, inputs}, Start::kUniform, bound);
  layout.add("rnn.weight_hh" + suffix, {rows, hidden}, recurrent, bound);
  layout.add("rnn.bias_ih" + suffix, {rows}, Start::kUniform, bound);
  layout.add("rnn.bias_hh" + suffix, {rows}, Start::kUniform, bound);
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const ModelKind& kind : kKinds) names.emplace_back(kind.name);
  for (const Alias& alias : kAliases) names.emplace_back(alias.notebook);
  return names;
}

const ModelKind& model_kind(const std::string& name) {
  std::string_view wanted = name;
  for (const Alias& alias : kAliases) {
    if (alias.notebook == name) wanted = alias.kind;
  }
  const auto* found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                   [&](const ModelKind& kind) { return kind.name == wanted; });
  require<UsageError>(found != std::end(kKinds), "unknown --model '{}'; there are: {}", name,
                      fmt::join(model_names(), " "));
  return *found;
}

ParameterLayout parameter_layout(const ModelConfig& config, std::int64_t vocabulary_size) {
  const ModelKind& kind = model_kind(config.model);
  check_sizes(config, kind);
  const Start recurrent = config.recurrent_init == "identity" ? Start::kIdentity : Start::kUniform;
  ParameterLayout layout;
  layout.add("e.weight", {vocabulary_size, config.embedding}, Start::kNormal);
  if (kind.family == Family::kStacked) {
    for (std::int64_t layer = 0; layer < config.layers; ++layer) {
      add_layer(layout, kind.cell, fmt::format("_l{}", layer), layer == 0 ? config.embedding : config.hidden,
                config.hidden, recurrent);
    }
  } else if (kind.family == Family::kCellLoop) {
    add_layer(layout, kind.cell, "", config.embedding, config.hidden, recurrent);
  } else {
    add_linear(layout, "l_in", config.embedding + (kind.concat ? config.hidden : 0), config.hidden);
    add_linear(layout, "l_hidden", config.hidden, config.hidden, recurrent);
  }
  add_linear(layout, "l_out", config.hidden, vocabulary_size);
  return layout;
}

std::vector<StateSpec> state_specs(const ModelConfig& config, const ModelKind& kind) {
  std::vector<StateSpec> specs{{"h", config.layers, config.hidden}};
  if (kind.cell == Cell::kLstm) specs.push_back({"c", config.layers, config.hidden});
  return specs;
}

std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                          const Compute& compute) {
  return find_engine(config, compute).make(config, vocabulary_size, compute);
}

}  // namespace charrnn
