#include "data/column_batches.hpp"

#include <utility>

namespace charrnn {

ColumnBatches::ColumnBatches(TokenArray tokens, const ColumnLayout& layout, const Sharding& sharding,
                             BpttSchedule windows)
    : Batches(layout.columns(), sharding), tokens_(std::move(tokens)), layout_(layout), windows_(windows) {}

void ColumnBatches::load(std::int64_t epoch, std::int64_t index, Batch& batch) {
  const std::int64_t row = position(epoch, index);
  const std::int64_t length = position(epoch, index + 1) - row;
  batch.length = length;
  batch.all_targets = length * columns();
  cut(columns(), batch);
  const std::int64_t first_of_rank = sharding().columns_of_rank(columns()).first;
  for (GroupBatch& group : batch.groups) {
    const std::int64_t count = group.columns.count;
    group.inputs.resize(static_cast<std::size_t>(length * count));
    group.targets.resize(group.inputs.size());
    for (std::int64_t column = 0; column < count; ++column) {
      const std::int64_t first = (group.columns.first + column - first_of_rank) * layout_.rows() + row;
      tokens_.copy(first, length, group.inputs.data() + column, count);
      tokens_.copy(first + 1, length, group.targets.data() + column, count);
    }
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
