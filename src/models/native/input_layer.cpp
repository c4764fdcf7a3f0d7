#include "models/native/input_layer.hpp"

#include <algorithm>

namespace charrnn {

InputLayer::InputLayer(const float* embedding, std::int64_t vocabulary, std::int64_t size,
                       RecurrentLayer& first, const DropoutMask& mask, Precision precision)
    : embedding_(embedding),
      size_(size),
      first_(first),
      mask_(mask),
      number_(static_cast<std::size_t>(vocabulary), -1),
      x_factor_(precision) {}

void InputLayer::start(std::span<const std::int64_t> tokens) {
  rows_ = std::ssize(tokens);
  for (const std::int64_t token : different_) number_[static_cast<std::size_t>(token)] = -1;
  different_.clear();
  number_of_.clear();
  for (const std::int64_t token : tokens) {
    std::int64_t& number = number_[static_cast<std::size_t>(token)];
    if (number < 0) {
      number = std::ssize(different_);
      different_.push_back(token);
    }
    number_of_.push_back(number);
  }
  x_.grow_padded(inputs() * stride(), (inputs() + kRowBlock) * stride());
  x_factor_.resize(inputs(), size_);
  if (mask_.is_on()) {
    d_x_.grow(rows_ * stride());
  } else {
    products_.grow(inputs() * first_.gate_units());
    d_products_.grow(inputs() * first_.gate_units());
    std::ranges::transform(number_of_, first_.addends().begin(), [&](std::int64_t number) {
      return products_.data() + number * first_.gate_units();
    });
  }
}

void InputLayer::embed(std::int64_t part, std::int64_t parts) {
  const Range mine = share_of(inputs(), part, parts);
  for (std::int64_t input = mine.first; input < mine.end(); ++input) {
    const float* from = embedding_ + token_of(input) * size_;
    float* to = x_.data() + input * stride();
    const float* mask = mask_.is_on() ? mask_.row(input) : nullptr;
    for (std::int64_t i = 0; i < size_; ++i) to[i] = mask == nullptr ? from[i] : from[i] * mask[i];
  }
  float* products = mask_.is_on() ? first_.gates(0) : products_.data();
  const Panels& weights = first_.weight_ih().forward();
  LeftFactor({x_.data() + mine.first * stride(), stride(), mine.count}, size_, weights)
      .multiply(products + mine.first * first_.gate_units(), first_.gate_units(), false, weights,
                {0, weights.count()});
  if (mask_.is_on()) return;
  for (std::int64_t input = mine.first; input < mine.end(); ++input) {
    kernels().add(first_.gate_units(), first_.bias(), products + input * first_.gate_units());
  }
}

void InputLayer::backward(const Range& columns) {
  if (!mask_.is_on()) return;
  first_.input_gradient(columns, {0, stride() / kPanelWidth}, d_x_.data());
  mask_.apply(columns, {0, size_}, d_x_.data(), d_x_.data(), stride());
}

void InputLayer::prepare_gradients(std::int64_t part, std::int64_t parts) {
  x_factor_.take(x_.data(), stride(), part, parts);
  if (mask_.is_on()) return;
  const std::int64_t units = first_.gate_units();
  const Range mine = share_of(units / kPanelWidth, part, parts);
  const std::int64_t first = mine.first * kPanelWidth, count = mine.count * kPanelWidth;
  for (std::int64_t input = 0; input < inputs(); ++input) {
    std::fill_n(d_products_.data() + input * units + first, count, 0.0F);
  }
  for (std::int64_t row = 0; row < rows_; ++row) {
    kernels().add(count, first_.gates(row) + first,
                  d_products_.data() + number_of_[static_cast<std::size_t>(row)] * units + first);
  }
}

void InputLayer::clear_unseen(float* gradient, std::int64_t part, std::int64_t parts) const {
  const Range mine = share_of(std::ssize(number_), part, parts);
  for (std::int64_t token = mine.first; token < mine.end(); ++token) {
    if (number_[static_cast<std::size_t>(token)] < 0) std::fill_n(gradient + token * size_, size_, 0.0F);
  }
}

void InputLayer::put_weight_gradient(std::int64_t block, float* gradient, bool add,
                                     OuterProducts& products) const {
  if (mask_.is_on()) return;
  const std::int64_t count = first_.gradient_block();
  products.sum(d_products_.data(), first_.gate_units(), inputs(), block * count, count,
               {OuterSum{x_factor_.rows(0)}, {}});
  first_.weight_ih().put_gradient(block * count, count, products.sums(0), x_factor_.stride(), nullptr,
                                  gradient, add);
}

std::int64_t InputLayer::embedding_blocks() const {
  return mask_.is_on() ? 1 : (inputs() + kCharacters - 1) / kCharacters;
}

void InputLayer::put_embedding_gradient(std::int64_t block, float* gradient, bool add,
                                        AlignedBuffer& scratch) const {
  // One row for each different character of the block.
  const std::int64_t first = block * kCharacters;
  const std::int64_t count = mask_.is_on() ? std::ssize(different_) : std::min(kCharacters, inputs() - first);
  scratch.grow(count * stride());
  if (mask_.is_on()) {
    std::fill_n(scratch.data(), count * stride(), 0.0F);
    for (std::int64_t row = 0; row < rows_; ++row) {
      const float* from = d_x_.data() + row * stride();
      float* to = scratch.data() + number_of_[static_cast<std::size_t>(row)] * stride();
      for (std::int64_t i = 0; i < size_; ++i) to[i] += from[i];
    }
  } else {
    const std::int64_t units = first_.gate_units();
    const Panels& weights = first_.weight_ih().backward();
    LeftFactor({d_products_.data() + first * units, units, count}, units, weights)
        .multiply(scratch.data(), stride(), false, weights, {0, weights.count()});
  }
  for (std::int64_t i = 0; i < count; ++i) {
    put(size_, scratch.data() + i * stride(),
        gradient + different_[static_cast<std::size_t>(first + i)] * size_, add);
  }
}

}  // namespace charrnn
