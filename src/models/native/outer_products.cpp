#include "models/native/outer_products.hpp"

#include <algorithm>
#include <optional>

#include "base/summation_tree.hpp"

namespace charrnn {

void OuterFactor::resize(std::span<const MatrixRows> groups, std::int64_t columns) {
  groups_.assign(groups.begin(), groups.end());
  columns_ = columns;
  if (packs()) {
    panels_.resize(size(), columns);
  } else {
    panels_.view(groups_.front().first, groups_.front().stride, size(), columns);
  }
}

void OuterFactor::take(std::int64_t part, std::int64_t parts) {
  if (!packs()) return;
  const Range blocks = share_of(size() / kRowBlock, part, parts);
  const Range mine{blocks.first * kRowBlock, blocks.count * kRowBlock};
  std::int64_t base = 0;
  for (const MatrixRows& group : groups_) {
    const std::int64_t end = base + padded_rows(group.count()) + kRowBlock;
    const std::int64_t from = std::max(mine.first, base), to = std::min(mine.end(), end);
    if (from < to) panels_.pack_rows(group, base, {from - base, to - from});
    base = end;
  }
}

FactorRows OuterFactor::rows(std::int64_t first) const {
  const bool is_odd =
      std::ranges::any_of(groups_, [&](const MatrixRows& group) { return first * group.rows % 2 != 0; });
  return panels_.is_half() && is_odd ? FactorRows{} : FactorRows{this, first};
}

void OuterProducts::sum(std::span<const MatrixRows> d, const Range& groups, std::int64_t first,
                        std::int64_t count, const std::array<OuterSum, 2>& sums) {
  add_up({d, first, count, sums}, groups.first, groups.end(), 0);
}

void OuterProducts::add_up(const Job& job, std::int64_t first, std::int64_t last, std::size_t level) {
  while (levels_.size() <= level) levels_.emplace_back();
  if (last - first == 1) {
    add_rows(job, first, level);
    return;
  }
  const std::int64_t middle = split(first, last);
  add_up(job, first, middle, level);
  add_up(job, middle, last, level + 1);
  kernels().add(job.count, levels_[level + 1].totals.data(), levels_[level].totals.data());
  for (std::size_t i = 0; i < job.sums.size(); ++i) {
    const OuterFactor* x = job.sums[i].x.factor;
    if (x == nullptr) continue;
    kernels().add(job.count * x->stride(), place(job, i, level + 1), place(job, i, level));
  }
}

void OuterProducts::add_rows(const Job& job, std::int64_t group, std::size_t level) {
  const MatrixRows& d = job.d[static_cast<std::size_t>(group)];
  const std::int64_t count = job.count;
  float* totals = levels_[level].totals.data();
  std::fill_n(totals, count, 0.0F);
  for (std::size_t i = 0; i < job.sums.size(); ++i) {
    const OuterFactor* x = job.sums[i].x.factor;
    if (x == nullptr) continue;
    if (level > 0 || job.sums[i].to == nullptr) levels_[level].sums[i].grow(count * x->stride());
    if (d.count() == 0) std::fill_n(place(job, i, level), count * x->stride(), 0.0F);
  }
  for (std::int64_t at = 0; at < d.count(); at += kDepth) {
    const std::int64_t depth = std::min(kDepth, d.count() - at), all = padded_rows(depth);
    float* to = transposed_.data();
    d.find(at, depth, rows_.data());
    kernels().transpose(depth, count, rows_.data(), job.first, to, kStride);
    for (std::int64_t i = 0; i < count; ++i) {
      std::fill(to + i * kStride + depth, to + i * kStride + all, 0.0F);
    }
    kernels().add_row_sums(count, all, to, kStride, totals);
    std::optional<LeftFactor> left;  // both factors are rounded alike
    for (std::size_t i = 0; i < job.sums.size(); ++i) {
      const auto& [factor, first_step] = job.sums[i].x;
      if (factor == nullptr) continue;
      if (!left) left.emplace(MatrixRows{to, kStride, count}, all, factor->panels());
      left->multiply(place(job, i, level), factor->stride(), at > 0, factor->panels(),
                     {0, factor->panels().count()}, factor->place(group, first_step) + at);
    }
  }
  for (std::size_t i = 0; i < job.sums.size(); ++i) {
    const OuterSum& sum = job.sums[i];
    if (sum.x.factor == nullptr || sum.mask == nullptr) continue;
    sum.weight->mask_rows(sum.first_output, count, sum.mask, place(job, i, level), sum.x.factor->stride());
  }
}

}  // namespace charrnn
