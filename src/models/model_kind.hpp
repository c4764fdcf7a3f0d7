// The models by kind: what is between a character's embedding and the output layer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace charrnn {

/// The three recurrent cells of PyTorch.
enum class Cell { kRnn, kGru, kLstm };

/// Gates stacked in weight_ih and weight_hh: the first dimension is gates · hidden (PyTorch's order of
/// gates).
constexpr std::int64_t gates(Cell cell) {
  return cell == Cell::kRnn ? 1 : cell == Cell::kGru ? 3 : 4;
}

/// Number of a cell's state in HiddenState::specs(): h of every cell, c of an LSTM.
inline constexpr std::size_t kH = 0, kC = 1;

enum class Family {
  kStacked,   ///< LibTorch's layers, any number of them
  kCellLoop,  ///< one layer, its cell written out with elementary operations: the others' reference
  kCharLoop,  ///< the notebook's first models: linear layers in a loop over the characters
};

struct ModelKind {
  std::string_view name;
  Family family;
  Cell cell;            ///< of kCharLoop: kRnn
  bool concat = false;  ///< kCharLoop: input and hidden state side by side instead of added
};

}  // namespace charrnn
