#include "data/column_batches.hpp"

#include <utility>

namespace charrnn {

ColumnBatches::ColumnBatches(TokenArray tokens, const ColumnLayout& layout, ColumnRange range,
                             BpttSchedule windows)
    : tokens_(std::move(tokens)), layout_(layout), range_(range), windows_(windows) {}

void ColumnBatches::load(std::int64_t epoch, std::int64_t index, Batch& batch) {
  const std::int64_t row = position(epoch, index);
  const std::int64_t length = position(epoch, index + 1) - row;
  batch.length = length;
  batch.columns = range_;
  batch.all_targets = length * layout_.columns();
  batch.inputs.resize(static_cast<std::size_t>(length * range_.count));
  batch.targets.resize(batch.inputs.size());
  for (std::int64_t column = 0; column < range_.count; ++column) {
    const std::int64_t first = column * layout_.rows() + row;
    tokens_.copy(first, length, batch.inputs.data() + column, range_.count);
    tokens_.copy(first + 1, length, batch.targets.data() + column, range_.count);
  }
}

std::int64_t ColumnBatches::position(std::int64_t epoch, std::int64_t index) {
  return starts(epoch)[static_cast<std::size_t>(index)];
}

const std::vector<std::int64_t>& ColumnBatches::starts(std::int64_t epoch) {
  if (epoch_ != epoch) {
    starts_.assign(1, 0);
    for (const std::int64_t length : windows_.lengths(epoch)) starts_.push_back(starts_.back() + length);
    epoch_ = epoch;
  }
  return starts_;
}

}  // namespace charrnn
