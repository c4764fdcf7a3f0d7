#include "data/window_batches.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.hpp"

namespace charrnn {

std::int64_t WindowLayout::windows(std::int64_t characters) const {
  const std::int64_t starts = characters - length - 1;  // 0 … starts − 1
  const std::int64_t all = starts > 0 ? (starts + stride - 1) / stride : 0;
  return most > 0 ? std::min(most, all) : all;
}

std::int64_t WindowLayout::validation_windows(std::int64_t characters) const {
  return static_cast<std::int64_t>(std::floor((1 - train_fraction) * static_cast<double>(windows(characters))));
}

WindowBatches::WindowBatches(std::shared_ptr<const TokenArray> tokens, const WindowLayout& layout, WindowPart part,
                             std::uint64_t seed, const Sharding& sharding)
    : Batches(layout.batch_size, sharding),
      tokens_(std::move(tokens)),
      layout_(layout),
      part_(part),
      seed_(seed),
      split_(layout.windows(tokens_->size()), seed, Purpose::kValidationSplit),
      first_(part == WindowPart::kTraining ? layout.validation_windows(tokens_->size()) : 0),
      count_((part == WindowPart::kValidation ? layout.validation_windows(tokens_->size()) : split_.size()) - first_) {
  require(split_.size() > 0,
          "a text of {} characters has no window of `window` {}: it takes at least {}; use a shorter window or "
          "a longer text",
          tokens_->size(), layout.length, layout.length + 2);
  require(count_ > 0, "none of the {} windows is left for this part of the text; see `train-fraction`", split_.size());
}

std::int64_t WindowBatches::per_epoch() const {
  return (count_ + layout_.batch_size - 1) / layout_.batch_size;
}

std::int64_t WindowBatches::position(std::int64_t /*epoch*/, std::int64_t index) {
  return std::min(count_, index * layout_.batch_size);
}

void WindowBatches::load(std::int64_t epoch, std::int64_t index, Batch& batch) {
  const std::int64_t start = position(epoch, index), size = position(epoch, index + 1) - start;
  batch.length = layout_.length;
  cut(size, batch);
  batch.all_targets = size * (layout_.predict_every ? layout_.length : 1);
  const RandomPermutation shuffle(count_, seed_, Purpose::kShuffle, static_cast<std::uint64_t>(epoch));
  for (MicroBatch& part : batch.micro_batches) {
    const std::int64_t columns = part.columns.count;
    part.inputs.resize(static_cast<std::size_t>(layout_.length * columns));
    part.targets.resize(layout_.predict_every ? part.inputs.size() : static_cast<std::size_t>(columns));
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::int64_t place = start + part.columns.first + column;
      const std::int64_t shuffled = part_ == WindowPart::kTraining ? shuffle(place) : place;
      const std::int64_t window = part_ == WindowPart::kAll ? place : split_(first_ + shuffled);
      const std::int64_t first = window * layout_.stride;
      tokens_->copy(first, layout_.length, part.inputs.data() + column, columns);
      if (layout_.predict_every) {
        tokens_->copy(first + 1, layout_.length, part.targets.data() + column, columns);
      } else {
        tokens_->copy(first + layout_.length, 1, part.targets.data() + column, columns);
      }
    }
  }
}

}  // namespace charrnn
