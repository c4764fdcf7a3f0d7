#include "models/native/recurrent_layer.hpp"

#include <algorithm>

namespace charrnn {

RecurrentLayer::RecurrentLayer(Cell cell, std::int64_t inputs, std::int64_t hidden,
                               const LayerParameters<const float>& parameters, Precision precision)
    : cell_(cell),
      hidden_(hidden),
      units_(padded(hidden)),
      gate_units_(charrnn::gates(cell) * units_),
      parameters_(parameters),
      weight_ih_(parameters.weight_ih, charrnn::gates(cell), hidden, inputs, precision),
      weight_hh_(parameters.weight_hh, charrnn::gates(cell), hidden, hidden, precision),
      bias_(gate_units_),
      bias_new_(units_),
      states_(precision) {}

void RecurrentLayer::pack(std::int64_t part, std::int64_t parts, const float* mask) {
  weight_ih_.pack(part, parts, nullptr);
  weight_hh_.pack(part, parts, mask);
  if (part != 0) return;
  for (std::int64_t gate = 0; gate < charrnn::gates(cell_); ++gate) {
    const bool apart = is_new_of_gru(gate);
    for (std::int64_t u = 0; u < hidden_; ++u) {
      const std::int64_t at = gate * hidden_ + u;
      const float of_hidden = parameters_.bias_hh[at];
      bias_.data()[gate * units_ + u] = parameters_.bias_ih[at] + (apart ? 0 : of_hidden);
      if (apart) bias_new_.data()[u] = of_hidden;
    }
  }
}

void RecurrentLayer::resize(std::int64_t length, std::span<const Range> groups, int threads) {
  const std::int64_t columns = groups.back().end();
  length_ = length;
  columns_ = columns;
  threads_ = threads;
  const std::int64_t rows = length * columns;
  gates_.grow(rows * gate_units_);
  h_.grow_padded((rows + columns) * units_, (rows + columns + kRowBlock) * units_);
  d_h_.grow(columns * units_);
  if (cell_ == Cell::kGru) hidden_new_.grow(rows * units_);
  if (cell_ == Cell::kLstm) {
    c_.grow((rows + columns) * units_);
    d_c_.grow(columns * units_);
  }
  addends_.assign(static_cast<std::size_t>(rows), bias_.data());
  cut_into_groups(h_.data(), units_, length + 1, groups, h_rows_);
  cut_into_groups(gates_.data(), gate_units_, length, groups, d_gates_);
  if (cell_ == Cell::kGru) cut_into_groups(hidden_new_.data(), units_, length, groups, d_hidden_new_);
  states_.resize(h_rows_, units_);
}

void RecurrentLayer::multiply_inputs(const WindowShare& share, const float* inputs) {
  const std::int64_t stride = padded(weight_ih_.inputs());
  const Panels& w = weight_ih_.forward();
  const LeftFactor left(
      {inputs + share.columns.first * stride, stride, share.columns.count, length_, columns_},
      weight_ih_.inputs(), w);
  for (std::int64_t gate = 0; gate < charrnn::gates(cell_); ++gate) {
    const Range panels = of_gate(gate, share.panels);
    left.multiply(gates(share.columns.first) + panels.first * kPanelWidth, gate_units_, false, w, panels);
  }
}

void RecurrentLayer::forward(const WindowShare& share, bool inputs_in_gates,
                             const std::function<void()>& meet) {
  const Kernels& kernel = kernels();
  const Range& columns = share.columns;
  const Range units = share.units();
  const std::int64_t begin = columns.first * units_;
  const Panels& w = weight_hh_.forward();
  for (std::int64_t t = 0; t < length_; ++t) {
    if (t > 0) meet();
    const std::int64_t row = t * columns_ + columns.first;
    const float* const* add = addends_.data() + row;
    float* hidden_new = cell_ == Cell::kGru ? hidden_new_.data() + row * units_ : nullptr;
    const LeftFactor left({h(t) + begin, units_, columns.count}, hidden_, w);
    for (std::int64_t gate = 0; gate < charrnn::gates(cell_); ++gate) {
      const Range panels = of_gate(gate, share.panels);
      if (is_new_of_gru(gate)) {
        left.multiply(hidden_new + units.first, units_, false, w, panels);
      } else {
        left.multiply(gates(row) + panels.first * kPanelWidth, gate_units_, inputs_in_gates, w, panels);
      }
    }
    if (cell_ == Cell::kGru) {
      for (std::int64_t i = 0; i < columns.count && !inputs_in_gates; ++i) {
        std::fill_n(gates(row + i) + 2 * units_ + units.first, units.count, 0.0F);
      }
      kernel.gru_forward(columns.count, units_, units.first, units.count, gates(row), hidden_new, add,
                         bias_new_.data(), h(t) + begin, h(t + 1) + begin);
    } else if (cell_ == Cell::kLstm) {
      kernel.lstm_forward(columns.count, units_, units.first, units.count, gates(row), add, c(t) + begin,
                          c(t + 1) + begin, h(t + 1) + begin);
    } else {
      kernel.rnn_forward(columns.count, units_, units.first, units.count, gates(row), add, h(t + 1) + begin);
    }
  }
}

void RecurrentLayer::backward(const WindowShare& share, const float* d_outputs,
                              const std::function<void()>& meet) {
  const Kernels& kernel = kernels();
  const Range& columns = share.columns;
  const Range units = share.units();
  const std::int64_t begin = columns.first * units_;
  float *d_h = d_h_.data() + begin, *d_c = cell_ == Cell::kLstm ? d_c_.data() + begin : nullptr;
  for (std::int64_t i = 0; i < columns.count; ++i) {
    std::fill_n(d_h + i * units_ + units.first, units.count, 0.0F);
    if (d_c != nullptr) std::fill_n(d_c + i * units_ + units.first, units.count, 0.0F);
  }
  const Panels& w = weight_hh_.backward();
  for (std::int64_t t = length_ - 1; t >= 0; --t) {
    const std::int64_t row = t * columns_ + columns.first;
    const float* d_output = d_outputs + row * units_;
    float* hidden_new = cell_ == Cell::kGru ? hidden_new_.data() + row * units_ : nullptr;
    if (cell_ == Cell::kGru) {
      kernel.gru_backward(columns.count, units_, units.first, units.count, gates(row), hidden_new,
                          h(t) + begin, d_output, d_h);
    } else if (cell_ == Cell::kLstm) {
      kernel.lstm_backward(columns.count, units_, units.first, units.count, gates(row), c(t) + begin,
                           c(t + 1) + begin, d_output, d_h, d_c);
    } else {
      kernel.rnn_backward(columns.count, units_, units.first, units.count, gates(row), h(t + 1) + begin,
                          d_output, d_h);
    }
    meet();
    if (t == 0) break;
    const bool is_gru = cell_ == Cell::kGru;  // its d_h has what goes past the gates
    LeftFactor({gates(row), gate_units_, columns.count}, is_gru ? 2 * units_ : gate_units_, w)
        .multiply(d_h + units.first, units_, is_gru, w, share.panels);
    if (!is_gru) continue;
    LeftFactor({hidden_new, units_, columns.count}, units_, w)
        .multiply(d_h + units.first, units_, true, w, share.panels, 2 * units_);
  }
}

void RecurrentLayer::input_gradient(const Range& columns, const Range& panels, float* d_inputs) {
  const std::int64_t stride = padded(weight_ih_.inputs());
  const Panels& w = weight_ih_.backward();
  LeftFactor({gates(columns.first), gate_units_, columns.count, length_, columns_}, gate_units_, w)
      .multiply(d_inputs + columns.first * stride + panels.first * kPanelWidth, stride, false, w, panels);
}

void RecurrentLayer::prepare_gradients(std::int64_t part, std::int64_t parts) {
  states_.take(part, parts);
}

void RecurrentLayer::put_gradients(std::int64_t block, const Range& groups, const FactorRows& inputs,
                                   const float* mask, const LayerParameters<float>& gradient,
                                   OuterProducts& products) const {
  const std::int64_t count = gradient_block(), first = block * count;
  // Without padding a sum can be made in its place.
  const OuterSum of_hidden{states_.rows(0), weight_hh_.rows_in_place(first, gradient.weight_hh), mask,
                           &weight_hh_, first};
  const OuterSum of_inputs{inputs, weight_ih_.rows_in_place(first, gradient.weight_ih)};
  const auto put_hidden = [&] {
    if (of_hidden.to == nullptr) {
      weight_hh_.put_gradient(first, count, products.sums(0), states_.stride(), gradient.weight_hh);
    }
    put_bias_gradient(first, count, products.totals(), gradient.bias_hh);
  };
  if (cell_ == Cell::kGru && first >= 2 * units_) {
    // The new gate sees the hidden state through the reset gate, its inputs directly.
    products.sum(d_hidden_new_, groups, first - 2 * units_, count, {of_hidden, {}});
    put_hidden();
    products.sum(d_gates_, groups, first, count, {OuterSum{}, of_inputs});
  } else {
    products.sum(d_gates_, groups, first, count, {of_hidden, of_inputs});
    put_hidden();
  }
  put_bias_gradient(first, count, products.totals(), gradient.bias_ih);
  if (inputs.factor == nullptr || of_inputs.to != nullptr) return;
  weight_ih_.put_gradient(first, count, products.sums(1), inputs.factor->stride(), gradient.weight_ih);
}

void RecurrentLayer::put_bias_gradient(std::int64_t first, std::int64_t count, const float* totals,
                                       float* gradient) const {
  const std::int64_t gate = first / units_, unit = first % units_;  // a block lies in one gate
  put(std::min(count, hidden_ - unit), totals, gradient + gate * hidden_ + unit);
}

}  // namespace charrnn
