#include "models/registry.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "config/check.hpp"
#include "models/native/native_language_model.hpp"
#include "models/torch_language_model.hpp"

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
  validate(config);
  require_option(kind.family == Family::kStacked || config.layers == 1, "layers",
                 "`model` {} has one layer; `layers` {} is for rnn, gru and lstm", config.model, config.layers);
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

bool can_run_natively(const ModelConfig& config) {
  return model_kind(config.model).family == Family::kStacked;
}

bool runs_natively(const ModelConfig& config, const Compute& compute) {
  const bool can = can_run_natively(config) && !compute.device.cuda;
  require<UsageError>(compute.engine != "native" || can,
                      "--engine native runs rnn, gru and lstm on CPUs; {} needs --engine torch",
                      compute.device.cuda ? "a GPU" : "--model " + config.model);
  const bool native = can && compute.engine != "torch";
  require<UsageError>(
      native || compute.precision == Precision::kFp32 || (compute.device.cuda && can_run_natively(config)),
      "--precision bf16 is for rnn, gru and lstm on GPUs and on the native engine, {}: use fp32",
      can_run_natively(config) ? "not for --engine torch on CPUs" : "not for --model " + config.model);
  return native;
}

std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                          const Compute& compute) {
  const ModelKind& kind = model_kind(config.model);
  ParameterLayout layout = parameter_layout(config, vocabulary_size);
  if (runs_natively(config, compute)) {
    return make_native_language_model(config, kind, vocabulary_size, std::move(layout), compute.precision,
                                      compute.team);
  }
  return make_torch_language_model(config, kind, vocabulary_size, std::move(layout), compute.precision,
                                   compute.device);
}

}  // namespace charrnn
