// Weight gradients: sums over the rows of a window of outer products.
#pragma once

#include <array>
#include <cstdint>

#include "base/rounding.hpp"
#include "models/native/aligned_buffer.hpp"
#include "models/native/weight.hpp"

namespace charrnn {

/// Rows are padded to a multiple of this, so that few lengths of a product come up.
inline constexpr std::int64_t kRowBlock = 16;

constexpr std::int64_t padded_rows(std::int64_t rows) {
  return round_up(rows, kRowBlock);
}

class OuterFactor;

/// Its rows from `first` on; null: none.
struct FactorRows {
  const OuterFactor* factor = nullptr;
  std::int64_t first = 0;
};

/// What a window's rows are multiplied with: x of Σ d ⊗ x.
class OuterFactor {
 public:
  explicit OuterFactor(Precision precision) : panels_(precision) {}

  void resize(std::int64_t rows, std::int64_t columns);
  /// Takes share `part` of `parts` of `matrix`, its rows `stride` floats apart and padded(); there are
  /// kRowBlock more of them, which are finite. To be called for all parts. The matrix must stay as it is as
  /// long as this is used.
  void take(const float* matrix, std::int64_t stride, std::int64_t part, std::int64_t parts);

  const Panels& panels() const { return panels_; }
  /// None if a product cannot begin with this row.
  FactorRows rows(std::int64_t first) const {
    return panels_.is_half() && first % 2 != 0 ? FactorRows{} : FactorRows{this, first};
  }
  /// Floats of a row of the sums.
  std::int64_t stride() const { return panels_.count() * kPanelWidth; }

 private:
  /// Rows that are kept: wherever a product begins, the last one's padding is there.
  std::int64_t size() const { return padded_rows(rows_) + kRowBlock; }

  /// Float32 numbers can be multiplied as they lie, but if rows are far apart they share few sets of a cache
  /// and push each other out.
  bool packs() const {
    constexpr std::int64_t kFarApart = 512;
    return panels_.precision() != Precision::kFp32 || columns_ >= kFarApart;
  }

  std::int64_t rows_ = 0, columns_ = 0;
  Panels panels_;
};

/// A sum over rows of d ⊗ x.
struct OuterSum {
  FactorRows x;         ///< none: there is none
  float* to = nullptr;  ///< [outputs, x's stride()]; null: sums()
};

/// For a block of a layer's outputs: Σ over rows d[row] ⊗ x[row], a thread's own. Which rows are added up
/// first does not depend on threads.
class OuterProducts {
 public:
  /// Outputs that are worked at once, of a layer with so many in gates of `units` (a multiple of 32). Many at
  /// once read the factor less often; a small layer needs enough blocks that no thread waits long for
  /// another. Sums are the same either way.
  static constexpr std::int64_t block_of(std::int64_t outputs, std::int64_t units, int threads) {
    return units % 64 == 0 && outputs >= std::int64_t{128} * threads ? 64 : 32;
  }

  /// Two sums over `rows` rows of d, which are `d_stride` floats apart, for its columns [first, first +
  /// count).
  void sum(const float* d, std::int64_t d_stride, std::int64_t rows, std::int64_t first, std::int64_t count,
           const std::array<OuterSum, 2>& sums);

  /// One that went nowhere else, [count, its factor's stride()].
  const float* sums(std::size_t number) const { return sums_[number].data(); }
  /// Σ d, [count].
  const float* totals() const { return totals_.data(); }

 private:
  static constexpr std::int64_t kDepth = 512;  ///< rows at once: d's and a panel's part stay in the cache
  static constexpr std::int64_t kStride = kDepth + 16;  ///< not a power of two: its rows share no cache sets

  AlignedBuffer transposed_{64 * kStride};
  AlignedBuffer totals_{64};
  std::array<AlignedBuffer, 2> sums_;
};

}  // namespace charrnn
