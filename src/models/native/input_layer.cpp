#include "models/native/input_layer.hpp"

#include <algorithm>

#include "base/summation_tree.hpp"

namespace charrnn {

void InputLayer::start(std::span<const std::int64_t> tokens, std::int64_t length,
                       std::span<const Range> micro_batches, bool trains) {
  for (const std::int64_t token : different_) number_[static_cast<std::size_t>(token)] = -1;
  different_.clear();
  for (const std::int64_t token : tokens) {
    std::int64_t& number = number_[static_cast<std::size_t>(token)];
    if (number < 0) different_.push_back(token);
    number = 0;
  }
  std::ranges::sort(different_);
  for (std::size_t i = 0; i < different_.size(); ++i) {
    number_[static_cast<std::size_t>(different_[i])] = static_cast<std::int64_t>(i);
  }
  number_of_.clear();
  for (const std::int64_t token : tokens) number_of_.push_back(number_[static_cast<std::size_t>(token)]);
  start_window(length, micro_batches, trains);
}

void InputLayer::clear_unseen(float* gradient, std::int64_t part, std::int64_t parts) const {
  const Range mine = share_of(std::ssize(number_), part, parts);
  for (std::int64_t token = mine.first; token < mine.end(); ++token) {
    if (number_[static_cast<std::size_t>(token)] < 0) std::fill_n(gradient + token * size_, size_, 0.0F);
  }
}

void InputLayer::put_embedding_gradient(std::int64_t block, const Range& micro_batches, float* gradient,
                                        Scratch& scratch) const {
  const std::int64_t first = block * kCharacters;
  const Range characters{first, std::min(kCharacters, std::ssize(different_) - first)};
  const std::int64_t count = characters.count * stride();
  const auto put_one = [&](std::int64_t micro_batch, std::size_t level) {
    while (scratch.levels.size() <= level) scratch.levels.emplace_back();
    AlignedBuffer& sum = scratch.levels[level];
    sum.grow(count);
    std::fill_n(sum.data(), count, 0.0F);
    add_gradient(characters, micro_batch, sum.data(), scratch.products);
  };
  add_up_levels(micro_batches.first, micro_batches.end(), 0, put_one, [&](std::size_t level) {
    kernels().add(count, scratch.levels[level + 1].data(), scratch.levels[level].data());
  });
  for (std::int64_t i = 0; i < characters.count; ++i) {
    put(size_, scratch.levels.front().data() + i * stride(),
        gradient + different_[static_cast<std::size_t>(first + i)] * size_);
  }
}

}  // namespace charrnn
