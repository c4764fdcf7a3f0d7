// The table of cells, and the parameters and states of models built from it. Names and shapes are those that PyTorch's
// modules document, norm_lstm's those of python/charrnn; tests/models/notebook_models.py loads
// checkpoints of every cell into the modules themselves.
#include "models/cells.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "models/registry.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;

std::vector<std::string> described(const ModelConfig& model) {
  std::vector<std::string> found;
  const ParameterLayout layout = parameter_layout(model, 7);
  for (const Parameter& parameter : layout.parameters()) {
    found.push_back(fmt::format("{} {}", parameter.name, fmt::join(parameter.shape, "x")));
  }
  return found;
}

TEST(Cells, HaveTheParametersOfPyTorchsModules) {
  EXPECT_THAT(described({.model = "gru", .layers = 2, .hidden = 5, .embedding = 3}),
              ElementsAre("e.weight 7x3", "rnn.weight_ih_l0 15x3", "rnn.weight_hh_l0 15x5", "rnn.bias_ih_l0 15",
                          "rnn.bias_hh_l0 15", "rnn.weight_ih_l1 15x5", "rnn.weight_hh_l1 15x5", "rnn.bias_ih_l1 15",
                          "rnn.bias_hh_l1 15", "l_out.weight 7x5", "l_out.bias 7"));
  EXPECT_THAT(described({.model = "norm_lstm", .hidden = 5, .embedding = 3}),
              ElementsAre("e.weight 7x3", "rnn.weight_ih_l0 20x3", "rnn.weight_hh_l0 20x5", "rnn.bias_ih_l0 20",
                          "rnn.bias_hh_l0 20", "rnn.norm_weight_l0 5", "rnn.norm_bias_l0 5", "l_out.weight 7x5",
                          "l_out.bias 7"));
  EXPECT_THAT(described({.model = "lstm_cell", .hidden = 5, .embedding = 3}),
              ElementsAre("e.weight 7x3", "rnn.weight_ih 20x3", "rnn.weight_hh 20x5", "rnn.bias_ih 20",
                          "rnn.bias_hh 20", "l_out.weight 7x5", "l_out.bias 7"));
  EXPECT_THAT(described({.model = "CharLoopConcatModel", .hidden = 5, .embedding = 3}),
              ElementsAre("e.weight 7x3", "l_in.weight 5x8", "l_in.bias 5", "l_hidden.weight 5x5", "l_hidden.bias 5",
                          "l_out.weight 7x5", "l_out.bias 7"));
}

TEST(Cells, CarryNamedStates) {
  const auto of = [](const char* model) { return state_specs({.model = model, .layers = 3, .hidden = 5}); };
  for (const char* model : {"rnn", "gru", "gru_cell", "char_loop"}) {
    EXPECT_THAT(of(model), ElementsAre(StateSpec{"h", 3, 5})) << model;
  }
  for (const char* model : {"lstm", "norm_lstm", "lstm_cell", "CharSeqStatefulLSTM"}) {
    EXPECT_THAT(of(model), ElementsAre(StateSpec{"h", 3, 5}, StateSpec{"c", 3, 5})) << model;
  }
}

TEST(Cells, TellWhatParametersAreFor) {
  for (const std::string& name : model_names()) {
    ModelConfig model{.model = name, .hidden = 6, .embedding = 4};
    if (find_cell(name).stacks) model.layers = 2;
    const ParameterLayout layout = parameter_layout(model, 9);
    EXPECT_EQ(layout.embedding().name, "e.weight");
    EXPECT_EQ(layout.embedding().role, Role::kEmbedding);
    EXPECT_EQ(layout.output_weight().name, "l_out.weight");
    EXPECT_EQ(layout.output_bias().name, "l_out.bias");
    double weights = 0;
    for (const Parameter& parameter : layout.parameters()) {
      const bool is_bias = parameter.shape.size() == 1;
      EXPECT_EQ(parameter.role == Role::kBias, is_bias) << parameter.name;
      const bool is_recurrent = parameter.name.starts_with("rnn.weight_hh") || parameter.name == "l_hidden.weight";
      EXPECT_EQ(parameter.role == Role::kRecurrentWeight, is_recurrent) << parameter.name;
      if (!is_bias && parameter.name != "e.weight") weights += static_cast<double>(parameter.size);
    }
    EXPECT_EQ(flop_per_character(layout), 6 * weights) << name;  // 2 forward, 4 backward
    for (std::int64_t layer = 0; layer < model.layers; ++layer) {
      const std::span<const Parameter> own = layout.of_layer(layer);
      EXPECT_EQ(own.size(), find_cell(name).parameters(1, 1).size()) << name;
      EXPECT_TRUE(std::ranges::all_of(own, [&](const Parameter& p) { return p.layer == layer; }));
    }
  }
}

TEST(Cells, IdentityIsForRecurrentWeights) {
  const ParameterLayout layout =
      parameter_layout({.model = "gru", .hidden = 3, .embedding = 2, .recurrent_init = "identity"}, 4);
  std::vector<float> flat(static_cast<std::size_t>(layout.size()));
  initialise(layout, 1, flat);
  const Parameter& weights = layout.of_layer(0)[1];
  ASSERT_EQ(weights.name, "rnn.weight_hh_l0");
  for (std::int64_t i = 0; i < weights.size; ++i) {
    EXPECT_EQ(flat[static_cast<std::size_t>(weights.offset + i)], i / 3 % 3 == i % 3 ? 1 : 0) << i;
  }
}

TEST(Cells, RefuseWhatTheyCannotBe) {
  const auto key_of = [](const ModelConfig& model) -> std::string {
    try {
      parameter_layout(model, 4);
    } catch (const ConfigError& error) {
      return error.key();
    }
    return "";
  };
  EXPECT_EQ(key_of({.model = "LSTM"}), "model");
  EXPECT_EQ(key_of({.model = "gru_cell", .layers = 2}), "layers");
  EXPECT_EQ(key_of({.model = "gru", .layers = 201}), "layers");
  EXPECT_EQ(key_of({.model = "gru", .hidden = 0}), "hidden");
  EXPECT_EQ(key_of({.model = "gru", .weight_dropout = 1}), "weight-dropout");
  EXPECT_EQ(key_of({.model = "gru", .recurrent_init = "zero"}), "recurrent-init");
  EXPECT_EQ(key_of({.model = "gru"}), "");
}

}  // namespace
}  // namespace charrnn
