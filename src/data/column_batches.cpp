#include "data/column_batches.hpp"

#include <algorithm>
#include <utility>

namespace charrnn {

ColumnBatches::ColumnBatches(TokenArray tokens, const ColumnLayout& layout, const Sharding& sharding,
                             BpttSchedule windows, bool carries_state, PieceOrder order)
    : Batches(layout.columns(), sharding),
      tokens_(std::move(tokens)),
      layout_(layout),
      windows_(windows),
      carries_state_(carries_state),
      order_(order) {}

void ColumnBatches::load(std::int64_t epoch, std::int64_t index, Batch& batch) {
  const std::int64_t row = position(epoch, index);
  const std::int64_t length = position(epoch, index + 1) - row;
  batch.length = length;
  batch.all_targets = length * columns();
  cut(columns(), batch);
  for (MicroBatch& part : batch.micro_batches) {
    const std::int64_t count = part.columns.count;
    part.inputs.resize(static_cast<std::size_t>(length * count));
    part.targets.resize(part.inputs.size());
    // A cache line of columns at a time: rows of wide batches are so far apart that they push each other out.
    for (std::int64_t column = 0; column < count; column += kColumnsAtOnce) {
      const std::int64_t width = std::min(kColumnsAtOnce, count - column);
      read(epoch, part.columns.first + column, width, row, length + 1);
      for (std::int64_t r = 0; r < length; ++r) {
        std::copy_n(read_.begin() + r * width, width, part.inputs.begin() + r * count + column);
        std::copy_n(read_.begin() + (r + 1) * width, width, part.targets.begin() + r * count + column);
      }
    }
  }
}

void ColumnBatches::read(std::int64_t epoch, std::int64_t column, std::int64_t width, std::int64_t row,
                         std::int64_t length) {
  read_.resize(static_cast<std::size_t>(length * width));
  for (std::int64_t i = 0; i < width; ++i) {
    order_.visit(epoch, (column + i) * layout_.rows() + row, length,
                 [&](std::int64_t from, std::int64_t count, std::int64_t at) {
                   tokens_.copy(from, count, read_.data() + at * width + i, width);
                 });
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
