#include "models/native/layer_link.hpp"

#include <algorithm>

#include "models/native/kernels.hpp"

namespace charrnn {

template <class Work>
void LayerLink::for_rows(const WindowShare& share, const Work& work) const {
  const Range units = share.units();
  for (std::int64_t t = 0; t < length_; ++t) {
    for (std::int64_t column = share.columns.first; column < share.columns.end(); ++column) {
      work((t * columns_ + column) * stride() + units.first, units.count);
    }
  }
}

void LayerLink::start(const std::optional<DropoutKey>& key, std::int64_t length, std::span<const Range> micro_batches,
                      std::int64_t first_step_read, bool trains) {
  length_ = length;
  columns_ = micro_batches.back().end();
  first_step_read_ = first_step_read;
  mask_.start(key, length_, columns_);
  const std::int64_t rows = length_ * columns_;
  if (is_apart()) outputs_.grow_padded(rows * stride(), (rows + kRowBlock) * stride());
  if (!trains) return;
  d_outputs_.grow(rows * stride());
  if (has_layers_factor()) return;
  rows_of_micro_batches(outputs() + first_step_read_ * columns_ * stride(), stride(), length_ - first_step_read_,
                        micro_batches, rows_);
  factor_.resize(rows_, units_);
}

void LayerLink::forward(const WindowShare& share, const float* inputs) {
  const float* from = layer_.outputs();
  if (adds_inputs_) {
    float* const sum = outputs_.data();
    for_rows(share, [&](std::int64_t at, std::int64_t count) {
      std::copy_n(from + at, count, sum + at);
      kernels().add(count, inputs + at, sum + at);
    });
    from = sum;
  }
  if (mask_.is_on()) mask_.apply(share.columns, share.units(), from, outputs_.data(), stride());
}

void LayerLink::backward(const WindowShare& share) {
  if (mask_.is_on()) mask_.apply(share.columns, share.units(), d_outputs(), d_outputs(), stride());
}

void LayerLink::add_to(float* d_inputs, const WindowShare& share) const {
  if (!adds_inputs_) return;
  for_rows(share,
           [&](std::int64_t at, std::int64_t count) { kernels().add(count, d_outputs_.data() + at, d_inputs + at); });
}

void LayerLink::prepare_factor(std::int64_t part, std::int64_t parts) {
  if (!has_layers_factor()) factor_.take(part, parts);
}

FactorRows LayerLink::outputs_factor() const {
  if (!has_layers_factor()) return factor_.rows(0);
  const FactorRows all = layer_.outputs_factor();
  return {all.factor, all.first + first_step_read_};
}

}  // namespace charrnn
