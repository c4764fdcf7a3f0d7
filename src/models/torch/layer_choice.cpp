#include <algorithm>

#include "models/torch/torch_layer.hpp"

namespace charrnn {

namespace {

struct Row {
  std::string_view cell;
  MakeTorchLayer make;
};

// The written-out cells (…_cell) are the fast layers' oracles.
constexpr Row kLayers[] = {
    {"rnn", make_torch_rnn},
    {"gru", make_torch_gru},
    {"lstm", make_torch_lstm},
    {"norm_lstm", make_torch_norm_lstm},
    {"rnn_cell", make_rnn_cell_loop},
    {"gru_cell", make_gru_cell_loop},
    {"lstm_cell", make_lstm_cell_loop},
    {"char_loop", make_char_loop},
    {"char_loop_concat", make_char_loop_concat},
};

}  // namespace

MakeTorchLayer torch_layer_of(std::string_view cell) {
  const auto* found = std::ranges::find(kLayers, cell, &Row::cell);
  return found == std::end(kLayers) ? nullptr : found->make;
}

}  // namespace charrnn
