#include "models/registry.hpp"

#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "config/check.hpp"
#include "models/dropout.hpp"

namespace charrnn {

static_assert(kMostLayers <= kInputMask, "a layer's number must fit into a dropout key");

ParameterLayout parameter_layout(const ModelConfig& config, std::int64_t vocabulary_size) {
  const CellSpec& cell = find_cell(config.model);
  validate(config);
  require_option(cell.stacks || config.layers == 1, "layers", "`model` {} has one layer; set `layers` to 1, not {}",
                 config.model, config.layers);
  ParameterLayout layout;
  layout.add({.name = "e.weight",
              .shape = {vocabulary_size, config.embedding},
              .role = Role::kEmbedding,
              .initialisation = Initialisation::kNormal});
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    for (Parameter& parameter : cell.parameters(layer == 0 ? config.embedding : config.hidden, config.hidden)) {
      if (cell.stacks) parameter.name += fmt::format("_l{}", layer);
      parameter.layer = layer;
      if (parameter.role == Role::kRecurrentWeight && config.recurrent_init == "identity") {
        parameter.initialisation = Initialisation::kIdentity;
      }
      layout.add(std::move(parameter));
    }
  }
  const double bound = 1 / std::sqrt(static_cast<double>(config.hidden));
  layout.add(
      {.name = "l_out.weight", .shape = {vocabulary_size, config.hidden}, .role = Role::kWeight, .bound = bound});
  layout.add({.name = "l_out.bias", .shape = {vocabulary_size}, .role = Role::kBias, .bound = bound});
  return layout;
}

std::vector<StateSpec> state_specs(const ModelConfig& config) {
  std::vector<StateSpec> specs;
  for (const CellState& state : find_cell(config.model).states) {
    specs.push_back({std::string(state.name), config.layers, config.hidden * state.times});
  }
  return specs;
}

std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                          const Compute& compute) {
  return find_engine(config, compute).make(config, vocabulary_size, compute);
}

}  // namespace charrnn
