#include "models/native/character_products.hpp"

#include <algorithm>
#include <utility>

namespace charrnn {

void CharacterProducts::start_window(std::int64_t length, std::span<const Range> micro_batches, bool trains) {
  constexpr std::int64_t kMostKept = 1 << 24;
  const std::int64_t units = first_.gate_units();
  if (trains || vocabulary() * units > kMostKept) forget();
  keeps_ = !trains && vocabulary() * units <= kMostKept;
  is_made_.resize(static_cast<std::size_t>(keeps_ ? vocabulary() : 0));
  to_make_.clear();
  for (std::int64_t number = 0; number < std::ssize(different()); ++number) {
    const bool is_made = keeps_ && std::exchange(is_made_[static_cast<std::size_t>(row_of(number))], 1) != 0;
    if (!is_made) to_make_.push_back(number);
  }
  x_.grow(std::ssize(to_make_) * stride());
  products_.grow((keeps_ ? vocabulary() : std::ssize(different())) * units);
  if (keeps_) made_.grow(std::ssize(to_make_) * units);
  at_once_ = trains || need_libtorch(micro_batches.back().end()) ? std::ssize(different()) : kFewRows;
  for (std::int64_t row = 0; row < rows(); ++row) {
    first_.addends()[static_cast<std::size_t>(row)] = products_.data() + row_of(number_of(row)) * units;
  }
  if (trains) start_gradients(length, micro_batches);
}

void CharacterProducts::start_gradients(std::int64_t length, std::span<const Range> micro_batches) {
  const std::int64_t columns = micro_batches.back().end(), units = first_.gate_units();
  own_row_.resize(static_cast<std::size_t>(rows()));
  own_.resize(micro_batches.size());
  x_rows_.clear();
  d_products_rows_.clear();
  std::int64_t base = 0;
  for (std::size_t m = 0; m < micro_batches.size(); ++m) {
    const auto for_rows = [&](const auto& work) {
      for (std::int64_t t = 0; t < length; ++t) {
        const std::int64_t first = t * columns + micro_batches[m].first;
        for (std::int64_t row = first; row < first + micro_batches[m].count; ++row) {
          work(rows_by_number_[static_cast<std::size_t>(number_of(row))], own_row_[static_cast<std::size_t>(row)]);
        }
      }
    };
    rows_by_number_.assign(different().size(), -1);
    for_rows([](std::int64_t& of_number, std::int64_t& /*of_row*/) { of_number = 0; });
    own_[m].clear();
    for (std::size_t number = 0; number < rows_by_number_.size(); ++number) {
      if (rows_by_number_[number] < 0) continue;
      rows_by_number_[number] = base + std::ssize(own_[m]);
      own_[m].push_back(static_cast<std::int64_t>(number));
    }
    for_rows([](std::int64_t& of_number, std::int64_t& of_row) { of_row = of_number; });
    x_rows_.push_back({nullptr, stride(), std::ssize(own_[m])});
    base = OuterFactor::base(x_rows_, std::ssize(x_rows_));
  }
  const std::int64_t used = OuterFactor::base(x_rows_, std::ssize(x_rows_) - 1) + x_rows_.back().rows;
  own_x_.grow_padded(used * stride(), base * stride());
  d_products_.grow(base * units);
  for (std::size_t m = 0; m < micro_batches.size(); ++m) {
    const std::int64_t first = OuterFactor::base(x_rows_, static_cast<std::int64_t>(m));
    float* x = own_x_.data() + first * stride();
    x_rows_[m].first = x;
    for (const std::int64_t number : own_[m]) {
      std::copy_n(embedding_of(number), size(), x);
      x += stride();
    }
    d_products_rows_.push_back({d_products_.data() + first * units, units, x_rows_[m].rows});
  }
  x_factor_.resize(x_rows_, size());
}

void CharacterProducts::embed(std::int64_t part, std::int64_t parts) {
  const Range mine = share_of(std::ssize(to_make_), part, parts);
  const std::int64_t units = first_.gate_units();
  for (std::int64_t i = mine.first; i < mine.end(); ++i) {
    std::copy_n(embedding_of(to_make_[static_cast<std::size_t>(i)]), size(), x_.data() + i * stride());
  }
  const Panels& weights = first_.weight_ih().forward();
  float* const made = keeps_ ? made_.data() : products_.data();
  for (std::int64_t i = mine.first; i < mine.end(); i += at_once_) {
    const std::int64_t count = std::min(at_once_, mine.end() - i);
    LeftFactor({x_.data() + i * stride(), stride(), count}, size(), weights)
        .multiply(made + i * units, units, false, weights, {0, weights.count()});
  }
  for (std::int64_t i = mine.first; i < mine.end(); ++i) {
    float* const products = products_.data() + row_of(to_make_[static_cast<std::size_t>(i)]) * units;
    if (keeps_) put(units, made + i * units, products);
    kernels().add(units, first_.bias(), products);
  }
}

void CharacterProducts::prepare_gradients(std::int64_t part, std::int64_t parts) {
  x_factor_.take(part, parts);
  const std::int64_t units = first_.gate_units();
  const Range panels = share_of(units / kPanelWidth, part, parts);
  const std::int64_t first = panels.first * kPanelWidth, count = panels.count * kPanelWidth;
  for (std::size_t m = 0; m < own_.size(); ++m) {
    const std::int64_t base = OuterFactor::base(x_rows_, static_cast<std::int64_t>(m));
    for (std::int64_t i = 0; i < std::ssize(own_[m]); ++i) {
      std::fill_n(d_products_.data() + (base + i) * units + first, count, 0.0F);
    }
  }
  for (std::int64_t row = 0; row < rows(); ++row) {
    kernels().add(count, first_.gates(row) + first,
                  d_products_.data() + own_row_[static_cast<std::size_t>(row)] * units + first);
  }
}

void CharacterProducts::put_weight_gradient(std::int64_t block, const Range& micro_batches, float* gradient,
                                            OuterProducts& products) const {
  if (block >= first_.gate_blocks()) return;
  const std::int64_t count = first_.gradient_block();
  products.sum(d_products_rows_, micro_batches, block * count, count, {OuterSum{x_factor_.rows(0)}, {}});
  first_.weight_ih().put_gradient(block * count, count, products.sums(0), x_factor_.stride(),
                                  first_.weight_ih_in(gradient));
}

void CharacterProducts::add_gradient(const Range& block, std::int64_t micro_batch, float* sum,
                                     AlignedBuffer& products) const {
  const std::vector<std::int64_t>& own = own_[static_cast<std::size_t>(micro_batch)];
  const auto begin = std::ranges::lower_bound(own, block.first);
  const auto end = std::ranges::lower_bound(begin, own.end(), block.end());
  const std::int64_t count = end - begin, units = first_.gate_units();
  const float* d = d_products_rows_[static_cast<std::size_t>(micro_batch)].first + (begin - own.begin()) * units;
  const Panels& weights = first_.weight_ih().backward();
  products.grow(count * stride());
  LeftFactor({d, units, count}, units, weights)
      .multiply(products.data(), stride(), false, weights, {0, weights.count()});
  for (std::int64_t i = 0; i < count; ++i) {
    put(stride(), products.data() + i * stride(), sum + (begin[i] - block.first) * stride());
  }
}

}  // namespace charrnn
