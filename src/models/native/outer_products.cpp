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
  for (std::int64_t g = 0; g < std::ssize(groups_); ++g) {
    const std::int64_t begin = base(groups_, g), end = base(groups_, g + 1);
    const std::int64_t from = std::max(mine.first, begin), to = std::min(mine.end(), end);
    if (from < to) panels_.pack_rows(groups_[static_cast<std::size_t>(g)], begin, {from - begin, to - from});
  }
}

FactorRows OuterFactor::rows(std::int64_t first) const {
  const bool is_odd =
      std::ranges::any_of(groups_, [&](const MatrixRows& group) { return first * group.rows % 2 != 0; });
  return panels_.is_half() && is_odd ? FactorRows{} : FactorRows{this, first};
}

void OuterProducts::sum(std::span<const MatrixRows> d, const Range& groups, std::int64_t first,
                        std::int64_t count, const std::array<OuterSum, 2>& sums) {
  const Job job{d, first, count, sums};
  const auto put_group = [&](std::int64_t group, std::size_t level) {
    while (levels_.size() <= level) levels_.emplace_back();
    add_rows(job, group, level);
  };
  add_up_levels(groups.first, groups.end(), 0, put_group, [&](std::size_t level) { add_level(job, level); });
}

void OuterProducts::add_level(const Job& job, std::size_t level) {
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
