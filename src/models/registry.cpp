#include "models/registry.hpp"

#include <cmath>

#include "base/error.hpp"
#include "models/recurrent_cell.hpp"
#include "models/torch_language_model.hpp"

namespace charrnn {

namespace {

Cell find_cell(const ModelConfig& config) {
  std::string names;
  for (const NamedCell& named : kCells) {
    if (named.name == config.model) return named.cell;
    names += fmt::format(" {}", named.name);
  }
  throw UsageError(fmt::format("unknown --model '{}'; there are:{}", config.model, names));
}

void check_sizes(const ModelConfig& config) {
  const auto positive = [](const char* option, std::int64_t value) {
    require<UsageError>(value >= 1 && value <= 65'536, "{} must lie in 1 … 65536, not {}", option, value);
  };
  positive("--layers", config.layers);
  positive("--hidden", config.hidden);
  positive("--embedding", config.embedding);
  require<UsageError>(config.dropout >= 0 && config.dropout < 1, "--dropout must lie in [0, 1), not {}",
                      config.dropout);
}

}  // namespace

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const NamedCell& named : kCells) names.emplace_back(named.name);
  return names;
}

ParameterLayout parameter_layout(const ModelConfig& config, std::int64_t vocabulary_size) {
  check_sizes(config);
  const std::int64_t rows = gates(find_cell(config)) * config.hidden;
  const double bound = 1 / std::sqrt(static_cast<double>(config.hidden));
  ParameterLayout layout;
  layout.add("e.weight", {vocabulary_size, config.embedding}, 0);
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::int64_t inputs = layer == 0 ? config.embedding : config.hidden;
    layout.add(fmt::format("rnn.weight_ih_l{}", layer), {rows, inputs}, bound);
    layout.add(fmt::format("rnn.weight_hh_l{}", layer), {rows, config.hidden}, bound);
    layout.add(fmt::format("rnn.bias_ih_l{}", layer), {rows}, bound);
    layout.add(fmt::format("rnn.bias_hh_l{}", layer), {rows}, bound);
  }
  layout.add("l_out.weight", {vocabulary_size, config.hidden}, bound);
  layout.add("l_out.bias", {vocabulary_size}, bound);
  return layout;
}

std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                          Device device) {
  return make_torch_language_model(config, find_cell(config), vocabulary_size,
                                   parameter_layout(config, vocabulary_size), device);
}

}  // namespace charrnn
