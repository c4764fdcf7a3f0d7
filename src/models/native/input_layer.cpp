#include "models/native/input_layer.hpp"

#include <algorithm>

#include "base/summation_tree.hpp"

namespace charrnn {

InputLayer::InputLayer(const float* embedding, std::int64_t vocabulary, std::int64_t size,
                       RecurrentLayer& first, const DropoutMask& mask, Precision precision)
    : embedding_(embedding),
      size_(size),
      first_(first),
      mask_(mask),
      number_(static_cast<std::size_t>(vocabulary), -1),
      x_factor_(precision) {}

void InputLayer::start(std::span<const std::int64_t> tokens, std::int64_t length,
                       std::span<const Range> groups, bool trains) {
  rows_ = std::ssize(tokens);
  groups_ = groups;
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
  if (mask_.is_on()) {
    x_.grow_padded(rows_ * stride(), (rows_ + kRowBlock) * stride());
    d_x_.grow(rows_ * stride());
    cut_into_groups(x_.data(), stride(), length, groups, x_rows_);
  } else {
    x_.grow(inputs() * stride());
    products_.grow(inputs() * first_.gate_units());
    std::ranges::transform(number_of_, first_.addends().begin(), [&](std::int64_t number) {
      return products_.data() + number * first_.gate_units();
    });
    if (trains) start_groups(length, groups);
  }
  if (trains) x_factor_.resize(x_rows_, size_);
}

void InputLayer::start_groups(std::int64_t length, std::span<const Range> groups) {
  const std::int64_t columns = groups.back().end();
  place_of_.resize(static_cast<std::size_t>(rows_));
  own_.resize(groups.size());
  x_rows_.clear();
  d_products_rows_.clear();
  std::int64_t base = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const auto for_rows = [&](const auto& work) {
      for (std::int64_t t = 0; t < length; ++t) {
        for (std::int64_t i = 0; i < groups[g].count; ++i) {
          const auto row = static_cast<std::size_t>(t * columns + groups[g].first + i);
          work(number_of_[row], place_of_[row]);
        }
      }
    };
    places_.assign(different_.size(), -1);
    for_rows(
        [&](std::int64_t number, std::int64_t& /*place*/) { places_[static_cast<std::size_t>(number)] = 0; });
    own_[g].clear();
    for (std::size_t number = 0; number < places_.size(); ++number) {
      if (places_[number] < 0) continue;
      places_[number] = base + std::ssize(own_[g]);
      own_[g].push_back(static_cast<std::int64_t>(number));
    }
    for_rows(
        [&](std::int64_t number, std::int64_t& place) { place = places_[static_cast<std::size_t>(number)]; });
    x_rows_.push_back({nullptr, stride(), std::ssize(own_[g])});
    base = OuterFactor::base(x_rows_, std::ssize(x_rows_));
  }
  const std::int64_t used = OuterFactor::base(x_rows_, std::ssize(groups) - 1) + x_rows_.back().rows;
  own_x_.grow_padded(used * stride(), base * stride());
  d_products_.grow(base * first_.gate_units());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const std::int64_t first = OuterFactor::base(x_rows_, static_cast<std::int64_t>(g));
    float* x = own_x_.data() + first * stride();
    for (std::size_t i = 0; i < own_[g].size(); ++i) {
      const std::int64_t token = different_[static_cast<std::size_t>(own_[g][i])];
      std::copy_n(embedding_ + token * size_, size_, x + static_cast<std::int64_t>(i) * stride());
    }
    x_rows_[g].first = x;
    d_products_rows_.push_back(
        {d_products_.data() + first * first_.gate_units(), first_.gate_units(), x_rows_[g].rows});
  }
}

void InputLayer::embed(std::int64_t part, std::int64_t parts) {
  const Range mine = share_of(inputs(), part, parts);
  for (std::int64_t input = mine.first; input < mine.end(); ++input) {
    const std::int64_t number = mask_.is_on() ? number_of_[static_cast<std::size_t>(input)] : input;
    const float* from = embedding_ + different_[static_cast<std::size_t>(number)] * size_;
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
  x_factor_.take(part, parts);
  if (mask_.is_on()) return;
  const std::int64_t units = first_.gate_units();
  const Range mine = share_of(units / kPanelWidth, part, parts);
  const std::int64_t first = mine.first * kPanelWidth, count = mine.count * kPanelWidth;
  for (std::size_t g = 0; g < own_.size(); ++g) {
    const std::int64_t base = OuterFactor::base(x_rows_, static_cast<std::int64_t>(g));
    for (std::int64_t i = 0; i < std::ssize(own_[g]); ++i) {
      std::fill_n(d_products_.data() + (base + i) * units + first, count, 0.0F);
    }
  }
  for (std::int64_t row = 0; row < rows_; ++row) {
    kernels().add(count, first_.gates(row) + first,
                  d_products_.data() + place_of_[static_cast<std::size_t>(row)] * units + first);
  }
}

void InputLayer::clear_unseen(float* gradient, std::int64_t part, std::int64_t parts) const {
  const Range mine = share_of(std::ssize(number_), part, parts);
  for (std::int64_t token = mine.first; token < mine.end(); ++token) {
    if (number_[static_cast<std::size_t>(token)] < 0) std::fill_n(gradient + token * size_, size_, 0.0F);
  }
}

void InputLayer::put_weight_gradient(std::int64_t block, const Range& groups, float* gradient,
                                     OuterProducts& products) const {
  if (mask_.is_on()) return;
  const std::int64_t count = first_.gradient_block();
  products.sum(d_products_rows_, groups, block * count, count, {OuterSum{x_factor_.rows(0)}, {}});
  first_.weight_ih().put_gradient(block * count, count, products.sums(0), x_factor_.stride(), gradient);
}

void InputLayer::put_embedding_gradient(std::int64_t block, const Range& groups, float* gradient,
                                        Scratch& scratch) const {
  const std::int64_t first = block * kCharacters;
  const Range characters{first, std::min(kCharacters, std::ssize(different_) - first)};
  const std::int64_t size = characters.count * stride();
  const auto put_group = [&](std::int64_t group, std::size_t level) {
    while (scratch.levels.size() <= level) scratch.levels.emplace_back();
    AlignedBuffer& sum = scratch.levels[level];
    sum.grow(size);
    std::fill_n(sum.data(), size, 0.0F);
    if (mask_.is_on()) {
      add_masked_rows(characters, group, sum.data());
    } else {
      add_products(characters, group, sum.data(), scratch.products);
    }
  };
  add_up_levels(groups.first, groups.end(), 0, put_group, [&](std::size_t level) {
    kernels().add(size, scratch.levels[level + 1].data(), scratch.levels[level].data());
  });
  for (std::int64_t i = 0; i < characters.count; ++i) {
    put(size_, scratch.levels.front().data() + i * stride(),
        gradient + different_[static_cast<std::size_t>(first + i)] * size_);
  }
}

void InputLayer::add_masked_rows(const Range& block, std::int64_t group, float* sum) const {
  const Range& columns = groups_[static_cast<std::size_t>(group)];
  for (std::int64_t row = columns.first; row < rows_; row += groups_.back().end()) {
    for (std::int64_t i = row; i < row + columns.count; ++i) {
      const std::int64_t number = number_of_[static_cast<std::size_t>(i)];
      if (number < block.first || number >= block.end()) continue;
      kernels().add(stride(), d_x_.data() + i * stride(), sum + (number - block.first) * stride());
    }
  }
}

void InputLayer::add_products(const Range& block, std::int64_t group, float* sum,
                              AlignedBuffer& products) const {
  const std::vector<std::int64_t>& own = own_[static_cast<std::size_t>(group)];
  const auto begin = std::ranges::lower_bound(own, block.first);
  const auto end = std::ranges::lower_bound(begin, own.end(), block.end());
  const std::int64_t count = end - begin, units = first_.gate_units();
  const float* d = d_products_rows_[static_cast<std::size_t>(group)].first + (begin - own.begin()) * units;
  const Panels& weights = first_.weight_ih().backward();
  products.grow(count * stride());
  LeftFactor({d, units, count}, units, weights)
      .multiply(products.data(), stride(), false, weights, {0, weights.count()});
  for (std::int64_t i = 0; i < count; ++i) {
    put(stride(), products.data() + i * stride(), sum + (begin[i] - block.first) * stride());
  }
}

}  // namespace charrnn
