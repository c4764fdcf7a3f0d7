// Weight gradients: sums over the rows of a window of outer products.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "base/range.hpp"
#include "models/native/weight.hpp"

namespace charrnn {

/// Rows are padded to a multiple of this, so that micro-kernels are made for few depths of a product.
inline constexpr std::int64_t kRowBlock = 16;

constexpr std::int64_t padded_rows(std::int64_t rows) {
  return round_up(rows, kRowBlock);
}

/// The rows of each micro-batch, in the order of time, of a matrix that has a row for each of the window's columns at
/// each of `steps` time steps (t · columns + column).
inline void rows_of_micro_batches(const float* matrix, std::int64_t stride, std::int64_t steps,
                                  std::span<const Range> micro_batches, std::vector<MatrixRows>& rows) {
  rows.clear();
  for (const Range& columns : micro_batches) {
    rows.push_back({matrix + columns.first * stride, stride, columns.count, steps, micro_batches.back().end()});
  }
}

class OuterFactor;

/// A factor's rows from time step `first` on; null: none.
struct FactorRows {
  const OuterFactor* factor = nullptr;
  std::int64_t first = 0;
};

/// The factor x of Σ d ⊗ x over a window's rows. The rows of each micro-batch lie together.
class OuterFactor {
 public:
  /// A model in int8 has no gradients to round for.
  explicit OuterFactor(Precision precision) : panels_(precision == Precision::kInt8 ? Precision::kFp32 : precision) {}

  /// `rows`: of each micro-batch, padded(columns) wide, with kRowBlock finite rows more behind the last one. The
  /// matrix must stay where it is as long as this is used.
  void resize(std::span<const MatrixRows> rows, std::int64_t columns);
  /// Takes share `part` of `parts` of the rows as they are now. Must be called for all parts.
  void take(std::int64_t part, std::int64_t parts);

  const Panels& panels() const { return panels_; }
  /// From time step `first` on; none if a product cannot begin with the rows of this time step.
  FactorRows rows(std::int64_t first) const;
  /// The row of panels() in which a micro-batch's rows from a time step on begin.
  std::int64_t row_of(std::int64_t micro_batch, std::int64_t first) const {
    return base(rows_, micro_batch) + first * rows_[static_cast<std::size_t>(micro_batch)].rows;
  }
  /// Floats of a row of the sums.
  std::int64_t stride() const { return panels_.count() * kPanelWidth; }

  /// The row in which micro-batch `number` begins. Each is followed by as much padding as a product needs that ends in
  /// the micro-batch's last row, wherever it begins.
  static std::int64_t base(std::span<const MatrixRows> micro_batches, std::int64_t number) {
    std::int64_t rows = 0;
    for (const MatrixRows& before : micro_batches.first(static_cast<std::size_t>(number))) {
      rows += padded_rows(before.count()) + kRowBlock;
    }
    return rows;
  }

 private:
  /// Float32 numbers can be multiplied where they lie, but rows that are far apart share few sets of a cache and evict
  /// each other.
  bool packs() const {
    constexpr std::int64_t kFarApart = 512;
    return rows_.size() > 1 || panels_.precision() != Precision::kFp32 || columns_ >= kFarApart;
  }
  std::int64_t size() const { return base(rows_, std::ssize(rows_)); }

  std::vector<MatrixRows> rows_;  ///< of each micro-batch
  std::int64_t columns_ = 0;
  Panels panels_;
};

/// A sum over rows of d ⊗ x.
struct OuterSum {
  FactorRows x;         ///< none: there is none
  float* to = nullptr;  ///< [outputs, x's stride()]; null: sums()
  /// Unless it is null, a micro-batch's sum is multiplied with this mask of the weight, from output `first_output` on.
  const float* mask = nullptr;
  const Weight* weight = nullptr;
  std::int64_t first_output = 0;
};

/// For a block of a layer's outputs: Σ over rows d[row] ⊗ x[row]. Each thread has its own. Micro-batches are summed up
/// separately and added along base/summation_tree.hpp; in which order a micro-batch's rows are added depends on that
/// micro-batch alone.
class OuterProducts {
 public:
  /// Outputs in a block, of a layer with `outputs` in gates of `units` (a multiple of 32). Large blocks read the factor
  /// less often; a small layer needs enough blocks that no thread waits long for another. Sums are the same.
  static constexpr std::int64_t block_of(std::int64_t outputs, std::int64_t units, int threads) {
    return units % 64 == 0 && outputs >= std::int64_t{128} * threads ? 64 : 32;
  }

  /// Two sums over the rows `d` of these micro-batches, for the columns [first, first + count) of d.
  void sum(std::span<const MatrixRows> d, const Range& micro_batches, std::int64_t first, std::int64_t count,
           const std::array<OuterSum, 2>& sums);

  /// A sum without OuterSum::to, [count, its factor's stride()].
  const float* sums(std::size_t number) const { return levels_.front().sums[number].data(); }
  /// Σ d, [count].
  const float* totals() const { return levels_.front().totals.data(); }

 private:
  static constexpr std::int64_t kDepth = 512;  ///< rows at once: d's and a panel's part stay in the cache

  /// Sums of a node of the tree.
  struct Level {
    std::array<AlignedBuffer, 2> sums;
    AlignedBuffer totals{64};
  };
  /// The arguments of sum().
  struct Job {
    std::span<const MatrixRows> d;
    std::int64_t first, count;
    const std::array<OuterSum, 2>& sums;
  };

  /// The sums of a micro-batch come to level `level`.
  void add_rows(const Job& job, std::int64_t micro_batch, std::size_t level);
  /// Adds the sums of the next level to those of `level`.
  void add_level(const Job& job, std::size_t level);
  float* target(const Job& job, std::size_t number, std::size_t level) {
    float* to = job.sums[number].to;
    return level == 0 && to != nullptr ? to : levels_[level].sums[number].data();
  }

  std::array<const float*, kDepth> rows_{};
  std::deque<Level> levels_;
};

}  // namespace charrnn
