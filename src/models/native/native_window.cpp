#include "models/native/native_window.hpp"

#include <cassert>

namespace charrnn {

namespace {

NativeState* native(HiddenState* state) {
  assert(dynamic_cast<NativeState*>(state) != nullptr && "a state that another engine made");
  return static_cast<NativeState*>(state);
}

}  // namespace

void NativeWindow::take(std::span<const TrainMicroBatch> micro_batches) {
  micro_batches_.clear();
  states_.clear();
  std::int64_t columns = 0;
  for (const TrainMicroBatch& one : micro_batches) {
    assert(one.window.length == micro_batches.front().window.length);
    assert(std::ssize(one.window.inputs) == one.window.length * one.window.columns);
    assert(one.state->columns() == one.window.columns);
    micro_batches_.push_back({columns, one.window.columns});
    states_.push_back(native(one.state));
    columns += one.window.columns;
  }
  if (micro_batches.size() == 1) {
    all_ = micro_batches.front().window;
    return;
  }
  const auto side_by_side = [&](std::span<const std::int64_t> Window::*tokens,
                                std::vector<std::int64_t>& to) {
    std::int64_t rows = 0;
    for (const TrainMicroBatch& one : micro_batches) {
      if (one.window.columns > 0) rows = std::ssize(one.window.*tokens) / one.window.columns;
    }
    to.clear();
    for (std::int64_t row = 0; row < rows; ++row) {
      for (const TrainMicroBatch& one : micro_batches) {
        const auto from = (one.window.*tokens).begin() + row * one.window.columns;
        to.insert(to.end(), from, from + one.window.columns);
      }
    }
    all_.*tokens = to;
  };
  side_by_side(&Window::inputs, inputs_);
  side_by_side(&Window::targets, targets_);
  all_.length = micro_batches.empty() ? 0 : micro_batches.front().window.length;
  all_.columns = columns;
}

void NativeWindow::take(const Window& window, HiddenState& state) {
  assert(state.columns() == window.columns);
  assert(std::ssize(window.inputs) == window.length * window.columns);
  micro_batches_.assign(1, {0, window.columns});
  states_.assign(1, native(&state));
  all_ = window;
}

}  // namespace charrnn
