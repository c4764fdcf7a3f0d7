#include "models/native/outer_products.hpp"

#include <algorithm>

namespace charrnn {

void OuterFactor::resize(std::int64_t rows, std::int64_t columns) {
  rows_ = rows;
  columns_ = columns;
  if (packs()) panels_.resize(size(), columns);
}

void OuterFactor::take(const float* matrix, std::int64_t stride, std::int64_t part, std::int64_t parts) {
  if (packs()) {
    const Range blocks = share_of(size() / kRowBlock, part, parts);
    panels_.pack_rows(matrix, stride, rows_, {blocks.first * kRowBlock, blocks.count * kRowBlock});
  } else if (part == 0) {
    panels_.view(matrix, stride, size(), columns_);
  }
}

void OuterProducts::sum(const float* d, std::int64_t d_stride, std::int64_t rows, std::int64_t first,
                        std::int64_t count, const std::array<OuterSum, 2>& sums) {
  std::fill_n(totals_.data(), count, 0.0F);
  for (std::int64_t at = 0; at < rows; at += kDepth) {
    const std::int64_t depth = std::min(kDepth, rows - at), all = padded_rows(depth);
    float* to = transposed_.data();
    kernels().transpose(depth, count, d + at * d_stride + first, d_stride, to, kStride);
    for (std::int64_t i = 0; i < count; ++i) {
      std::fill(to + i * kStride + depth, to + i * kStride + all, 0.0F);
    }
    kernels().add_row_sums(count, all, to, kStride, totals_.data());
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const OuterFactor* x = sums[i].x.factor;
      if (x == nullptr) continue;
      if (sums[i].to == nullptr) sums_[i].grow(count * x->stride());
      float* sum = sums[i].to != nullptr ? sums[i].to : sums_[i].data();
      LeftFactor({to, kStride, count}, all, x->panels())
          .multiply(sum, x->stride(), at > 0, x->panels(), {0, x->panels().count()}, sums[i].x.first + at);
    }
  }
}

}  // namespace charrnn
