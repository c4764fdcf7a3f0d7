#include "models/native/recurrent_layer.hpp"

#include <algorithm>

namespace charrnn {

RecurrentLayer::RecurrentLayer(std::int64_t gates, const NativeLayerOptions& options)
    : gate_count_(gates),
      hidden_(options.hidden),
      units_(padded(options.hidden)),
      gate_units_(gates * units_),
      flat_(options.flat),
      offsets_{options.parameters[0].offset, options.parameters[1].offset, options.parameters[2].offset,
               options.parameters[3].offset},
      weight_ih_(flat_ + offsets_.weight_ih, gates, hidden_, options.inputs, options.precision),
      weight_hh_(flat_ + offsets_.weight_hh, gates, hidden_, hidden_, options.precision),
      bias_(gate_units_),
      states_(options.precision) {}

void RecurrentLayer::pack(std::int64_t part, std::int64_t parts, const float* mask) {
  weight_ih_.pack(part, parts, nullptr);
  weight_hh_.pack(part, parts, mask);
  if (part != 0) return;
  for (std::int64_t gate = 0; gate < gate_count_; ++gate) {
    float* const apart = separate_hidden_bias(gate);
    for (std::int64_t u = 0; u < hidden_; ++u) {
      const std::int64_t at = gate * hidden_ + u;
      const float of_hidden = flat_[offsets_.bias_hh + at];
      bias_.data()[gate * units_ + u] = flat_[offsets_.bias_ih + at] + (apart != nullptr ? 0 : of_hidden);
      if (apart != nullptr) apart[u] = of_hidden;
    }
  }
}

void RecurrentLayer::resize(std::int64_t length, std::span<const Range> micro_batches, int threads) {
  const std::int64_t columns = micro_batches.back().end();
  length_ = length;
  columns_ = columns;
  threads_ = threads;
  const std::int64_t rows = length * columns;
  gates_.grow(rows * gate_stride());
  h_.grow_padded((rows + columns) * units_, (rows + columns + kRowBlock) * units_);
  d_h_.grow(columns * units_);
  addends_.assign(static_cast<std::size_t>(rows), bias_.data());
  rows_of_micro_batches(h_.data(), units_, length + 1, micro_batches, h_rows_);
  rows_of_micro_batches(gates_.data(), gate_stride(), length, micro_batches, d_gates_);
  states_.resize(h_rows_, units_);
  resize_cell(length, micro_batches);
}

RecurrentLayer::StepShare RecurrentLayer::share_of_step(const WindowShare& share, std::int64_t t) const {
  const Range& columns = share.columns;
  return {t, t * columns_ + columns.first, columns.count, columns.first * units_, share.panels, share.units()};
}

RecurrentLayer::StepShare RecurrentLayer::element_share(const WindowShare& share, std::int64_t t) const {
  if (!works_on_rows()) return share_of_step(share, t);
  const Range& own = share.own;
  return {t, t * columns_ + own.first, own.count, own.first * units_, {0, panels()}, {0, units_}};
}

void RecurrentLayer::multiply_inputs(const WindowShare& share, const float* inputs) {
  const std::int64_t stride = padded(weight_ih_.inputs());
  const Panels& w = weight_ih_.forward();
  const LeftFactor left({inputs + share.columns.first * stride, stride, share.columns.count, length_, columns_},
                        weight_ih_.inputs(), w);
  for (std::int64_t gate = 0; gate < gate_count_; ++gate) {
    const Range panels{gate * this->panels() + share.panels.first, share.panels.count};
    left.multiply(gates(share.columns.first) + panels.first * kPanelWidth, gate_stride(), false, w, panels);
  }
}

void RecurrentLayer::forward(Worker& worker, const float* inputs) {
  if (inputs != nullptr) multiply_inputs(worker.share(), inputs);
  for (std::int64_t t = 0; t < length_; ++t) {
    if (t > 0) worker.wait(WaitFor::kThreadGroup);
    const StepShare share = share_of_step(worker.share(), t);
    const LeftFactor hidden({h(t) + share.state, units_, share.columns}, hidden_, weight_hh_.forward());
    multiply_hidden(share, hidden, inputs != nullptr);
    wait_for_rows(worker);
    const StepShare mine = element_share(worker.share(), t);
    activate(mine, addends_.data() + mine.row);
  }
  wait_for_rows(worker);  // whoever reads the outputs divides them by units again
}

void RecurrentLayer::multiply_gate(const LeftFactor& hidden, const StepShare& share, std::int64_t gate, float* to,
                                   std::int64_t stride, bool add) const {
  const Range panels{gate * this->panels() + share.panels.first, share.panels.count};
  hidden.multiply(to + share.units.first, stride, add, weight_hh_.forward(), panels);
}

void RecurrentLayer::multiply_hidden(const StepShare& share, const LeftFactor& hidden, bool inputs_in_gates) {
  for (std::int64_t gate = 0; gate < gate_count_; ++gate) {
    multiply_gate(hidden, share, gate, gates(share.row) + gate * units_, gate_stride(), inputs_in_gates);
  }
}

void RecurrentLayer::backward(Worker& worker, const float* d_outputs, float* d_inputs) {
  const WindowShare& all = worker.share();
  wait_for_rows(worker);
  const StepShare first = element_share(all, 0);
  clear(first, d_h());
  start_backward(first);
  for (std::int64_t t = length_ - 1; t >= 0; --t) {
    const StepShare mine = element_share(all, t);
    differentiate(mine, d_outputs + mine.row * units_);
    worker.poll();
    worker.wait(WaitFor::kThreadGroup);
    if (t == 0) break;
    multiply_gradients(share_of_step(all, t));
    wait_for_rows(worker);
  }
  if (d_inputs != nullptr) multiply_to_inputs(all, d_inputs);
}

void RecurrentLayer::clear(const StepShare& share, float* values) const {
  for (std::int64_t column = 0; column < share.columns; ++column) {
    std::fill_n(values + share.state + column * units_ + share.units.first, share.units.count, 0.0F);
  }
}

void RecurrentLayer::multiply_gradients(const StepShare& share) {
  const Panels& w = weight_hh_.backward();
  LeftFactor({gates(share.row), gate_stride(), share.columns}, gate_units_, w)
      .multiply(d_h() + share.state + share.units.first, units_, false, w, share.panels);
}

void RecurrentLayer::multiply_to_inputs(const WindowShare& share, float* d_inputs) {
  const std::int64_t stride = padded(weight_ih_.inputs());
  const Panels& w = weight_ih_.backward();
  // A thread group divides the inputs' panels if they are as many as the units'; else it divides the columns.
  const bool by_panels = w.count() == panels();
  const Range columns = by_panels ? share.columns : share.own;
  const Range panels = by_panels ? share.panels : Range{0, w.count()};
  LeftFactor({gates(columns.first), gate_stride(), columns.count, length_, columns_}, gate_units_, w)
      .multiply(d_inputs + columns.first * stride + panels.first * kPanelWidth, stride, false, w, panels);
}

void RecurrentLayer::put_gradients(std::int64_t block, const Range& micro_batches, const FactorRows& inputs,
                                   const float* mask, float* gradient, OuterProducts& products) const {
  const std::int64_t count = gradient_block(), first = block * count;
  float* const weight_ih = gradient + offsets_.weight_ih;
  float* const weight_hh = gradient + offsets_.weight_hh;
  // Without padding a sum can be made where the gradient belongs.
  const OuterSum of_hidden{states_.rows(0), weight_hh_.rows_in_place(first, weight_hh), mask, &weight_hh_, first};
  const OuterSum of_inputs{inputs, weight_ih_.rows_in_place(first, weight_ih)};
  const auto put_hidden = [&] {
    if (of_hidden.to == nullptr) {
      weight_hh_.put_gradient(first, count, products.sums(0), states_.stride(), weight_hh);
    }
    put_bias_gradient(first, count, products.totals(), gradient + offsets_.bias_hh);
  };
  if (const auto apart = separate_hidden_gradient(first)) {
    products.sum(apart->first, micro_batches, apart->second, count, {of_hidden, {}});
    put_hidden();
    products.sum(d_gates_, micro_batches, first, count, {OuterSum{}, of_inputs});
  } else {
    products.sum(d_gates_, micro_batches, first, count, {of_hidden, of_inputs});
    put_hidden();
  }
  put_bias_gradient(first, count, products.totals(), gradient + offsets_.bias_ih);
  if (inputs.factor == nullptr || of_inputs.to != nullptr) return;
  weight_ih_.put_gradient(first, count, products.sums(1), inputs.factor->stride(), weight_ih);
}

void RecurrentLayer::put_bias_gradient(std::int64_t first, std::int64_t count, const float* totals,
                                       float* gradient) const {
  const std::int64_t gate = first / units_, unit = first % units_;  // a block lies in one gate
  put(std::min(count, hidden_ - unit), totals, gradient + gate * hidden_ + unit);
}

}  // namespace charrnn
