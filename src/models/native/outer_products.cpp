#include "models/native/outer_products.hpp"

#include <algorithm>
#include <optional>

#include "base/summation_tree.hpp"

namespace charrnn {

void OuterFactor::resize(std::span<const MatrixRows> rows, std::int64_t columns) {
  rows_.assign(rows.begin(), rows.end());
  columns_ = columns;
  if (packs()) {
    panels_.resize(size(), columns);
  } else {
    panels_.view(rows_.front().first, rows_.front().stride, size(), columns);
  }
}

void OuterFactor::take(std::int64_t part, std::int64_t parts) {
  if (!packs()) return;
  const Range blocks = share_of(size() / kRowBlock, part, parts);
  const Range mine{blocks.first * kRowBlock, blocks.count * kRowBlock};
  for (std::int64_t i = 0; i < std::ssize(rows_); ++i) {
    const std::int64_t begin = base(rows_, i), end = base(rows_, i + 1);
    const std::int64_t from = std::max(mine.first, begin), to = std::min(mine.end(), end);
    if (from < to) panels_.pack_rows(rows_[static_cast<std::size_t>(i)], begin, {from - begin, to - from});
  }
}

FactorRows OuterFactor::rows(std::int64_t first) const {
  const bool is_odd = std::ranges::any_of(rows_, [&](const MatrixRows& rows) { return first * rows.rows % 2 != 0; });
  return panels_.is_half() && is_odd ? FactorRows{} : FactorRows{this, first};
}

void OuterProducts::sum(std::span<const MatrixRows> d, const Range& micro_batches, std::int64_t first,
                        std::int64_t count, const std::array<OuterSum, 2>& sums) {
  const Job job{d, first, count, sums};
  const auto put_one = [&](std::int64_t micro_batch, std::size_t level) {
    while (levels_.size() <= level) levels_.emplace_back();
    add_rows(job, micro_batch, level);
  };
  add_up_levels(micro_batches.first, micro_batches.end(), 0, put_one,
                [&](std::size_t level) { add_level(job, level); });
}

void OuterProducts::add_level(const Job& job, std::size_t level) {
  kernels().add(job.count, levels_[level + 1].totals.data(), levels_[level].totals.data());
  for (std::size_t i = 0; i < job.sums.size(); ++i) {
    const OuterFactor* x = job.sums[i].x.factor;
    if (x == nullptr) continue;
    kernels().add(job.count * x->stride(), target(job, i, level + 1), target(job, i, level));
  }
}

void OuterProducts::add_rows(const Job& job, std::int64_t micro_batch, std::size_t level) {
  const MatrixRows& d = job.d[static_cast<std::size_t>(micro_batch)];
  const std::int64_t count = job.count;
  float* totals = levels_[level].totals.data();
  std::fill_n(totals, count, 0.0F);
  for (std::size_t i = 0; i < job.sums.size(); ++i) {
    const OuterFactor* x = job.sums[i].x.factor;
    if (x == nullptr) continue;
    if (level > 0 || job.sums[i].to == nullptr) levels_[level].sums[i].grow(count * x->stride());
    if (d.count() == 0) std::fill_n(target(job, i, level), count * x->stride(), 0.0F);
  }
  for (std::int64_t at = 0; at < d.count(); at += kDepth) {
    const std::int64_t depth = std::min(kDepth, d.count() - at);
    d.find(at, depth, rows_.data());
    kernels().add_column_sums(depth, count, rows_.data(), job.first, totals);
    std::optional<LeftFactor> left;  // both factors are rounded alike
    for (std::size_t i = 0; i < job.sums.size(); ++i) {
      const auto& [factor, first_step] = job.sums[i].x;
      if (factor == nullptr) continue;
      if (!left) {
        left.emplace(std::span(rows_).first(static_cast<std::size_t>(depth)), job.first, count, padded_rows(depth),
                     factor->panels());
      }
      left->multiply(target(job, i, level), factor->stride(), at > 0, factor->panels(), {0, factor->panels().count()},
                     factor->row_of(micro_batch, first_step) + at);
    }
  }
  for (std::size_t i = 0; i < job.sums.size(); ++i) {
    const OuterSum& sum = job.sums[i];
    if (sum.x.factor == nullptr || sum.mask == nullptr) continue;
    sum.weight->mask_rows(sum.first_output, count, sum.mask, target(job, i, level), sum.x.factor->stride());
  }
}

}  // namespace charrnn
