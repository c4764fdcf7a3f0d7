#include "models/native/outer_products.hpp"

#include <algorithm>

namespace charrnn {

void pack_share(const float* matrix, std::int64_t stride, std::int64_t rows, std::int64_t part,
                std::int64_t parts, Panels& panels) {
  panels.pack_rows(matrix, stride, share_of(rows, part, parts));
  if (part == 0) panels.clear_rows({rows, panels.rows() - rows});
}

void OuterProducts::sum(const float* d, std::int64_t d_stride, std::int64_t rows, std::int64_t first,
                        std::int64_t count, std::array<const Panels*, 2> factors) {
  std::fill_n(totals_.data(), count, 0.0F);
  for (std::int64_t at = 0; at < rows; at += kDepth) {
    const std::int64_t depth = std::min(kDepth, rows - at), all = padded_rows(depth);
    float* to = transposed_.data();
    for (std::int64_t row = 0; row < depth; ++row) {
      const float* from = d + (at + row) * d_stride + first;
      for (std::int64_t i = 0; i < count; ++i) to[i * kStride + row] = from[i];
    }
    for (std::int64_t i = 0; i < count; ++i) {
      float* of_output = to + i * kStride;
      std::fill(of_output + depth, of_output + all, 0.0F);
      constexpr std::int64_t kLanes = 16;
      std::array<float, kLanes> lanes{};
      for (std::int64_t row = 0; row < all; row += kLanes) {
        for (std::int64_t lane = 0; lane < kLanes; ++lane) {
          lanes[static_cast<std::size_t>(lane)] += of_output[row + lane];
        }
      }
      for (const float lane : lanes) totals_.data()[i] += lane;
    }
    for (std::size_t i = 0; i < factors.size(); ++i) {
      const Panels* x = factors[i];
      if (x == nullptr) continue;
      sums_[i].grow(count * stride(*x));
      multiply({to, kStride, sums_[i].data(), stride(*x), count, at > 0}, *x, {0, x->count()}, {at, all});
    }
  }
}

}  // namespace charrnn
