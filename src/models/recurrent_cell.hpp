// What distinguishes the three recurrent cells.
#pragma once

#include <cstdint>
#include <string_view>

namespace charrnn {

enum class Cell { kRnn, kGru, kLstm };

/// Gates stacked in weight_ih and weight_hh: the first dimension is gates · hidden (PyTorch's order of
/// gates).
constexpr std::int64_t gates(Cell cell) {
  return cell == Cell::kRnn ? 1 : cell == Cell::kGru ? 3 : 4;
}

struct NamedCell {
  std::string_view name;
  Cell cell;
};
inline constexpr NamedCell kCells[] = {{"rnn", Cell::kRnn}, {"gru", Cell::kGru}, {"lstm", Cell::kLstm}};

}  // namespace charrnn
