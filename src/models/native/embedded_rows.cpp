#include "models/native/embedded_rows.hpp"

namespace charrnn {

void EmbeddedRows::start_window(std::int64_t length, std::span<const Range> micro_batches, bool trains) {
  micro_batches_ = micro_batches;
  x_.grow_padded(rows() * stride(), (rows() + kRowBlock) * stride());
  if (!trains) return;
  d_x_.grow(rows() * stride());
  rows_of_micro_batches(x_.data(), stride(), length, micro_batches, x_rows_);
  x_factor_.resize(x_rows_, size());
}

void EmbeddedRows::embed(std::int64_t part, std::int64_t parts) {
  const Range mine = share_of(rows(), part, parts);
  for (std::int64_t row = mine.first; row < mine.end(); ++row) {
    const float* from = embedding_of(number_of(row));
    const float* mask = mask_.is_on() ? mask_.row(row) : nullptr;
    float* to = x_.data() + row * stride();
    for (std::int64_t i = 0; i < size(); ++i) to[i] = mask == nullptr ? from[i] : from[i] * mask[i];
  }
}

void EmbeddedRows::backward(const Range& own) {
  if (mask_.is_on()) mask_.apply(own, {0, size()}, d_x_.data(), d_x_.data(), stride());
}

void EmbeddedRows::add_gradient(const Range& block, std::int64_t micro_batch, float* sum,
                                AlignedBuffer& /*products*/) const {
  const Range& columns = micro_batches_[static_cast<std::size_t>(micro_batch)];
  for (std::int64_t first = columns.first; first < rows(); first += micro_batches_.back().end()) {
    for (std::int64_t row = first; row < first + columns.count; ++row) {
      const std::int64_t number = number_of(row);
      if (number < block.first || number >= block.end()) continue;
      kernels().add(stride(), d_x_.data() + row * stride(), sum + (number - block.first) * stride());
    }
  }
}

}  // namespace charrnn
