// Weight gradients: sums over the rows of a window of outer products.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "base/rounding.hpp"
#include "base/aligned_buffer.hpp"
#include "models/native/weight.hpp"

namespace charrnn {

/// Rows are padded to a multiple of this, so that few lengths of a product come up.
inline constexpr std::int64_t kRowBlock = 16;

constexpr std::int64_t padded_rows(std::int64_t rows) {
  return round_up(rows, kRowBlock);
}

/// Of a matrix with a row for each column of the window at each of so many time steps (t · columns + column):
/// the rows of each group of columns, in the order of time.
inline void cut_into_groups(const float* matrix, std::int64_t stride, std::int64_t steps,
                            std::span<const Range> groups, std::vector<MatrixRows>& rows) {
  rows.clear();
  for (const Range& group : groups) {
    rows.push_back({matrix + group.first * stride, stride, group.count, steps, groups.back().end()});
  }
}

class OuterFactor;

/// Its rows from time step `first` on; null: none.
struct FactorRows {
  const OuterFactor* factor = nullptr;
  std::int64_t first = 0;
};

/// What a window's rows are multiplied with: x of Σ d ⊗ x. The rows of each group lie together.
class OuterFactor {
 public:
  explicit OuterFactor(Precision precision) : panels_(precision) {}

  /// For the rows of these groups, padded(columns). There are kRowBlock more of them after the last one,
  /// which are finite. The matrix must stay where it is as long as this is used.
  void resize(std::span<const MatrixRows> groups, std::int64_t columns);
  /// Takes share `part` of `parts` of the rows as they are now. To be called for all parts.
  void take(std::int64_t part, std::int64_t parts);

  const Panels& panels() const { return panels_; }
  /// None if a product cannot begin with the rows of this time step.
  FactorRows rows(std::int64_t first) const;
  /// Where a group's rows from a time step on are among those of panels().
  std::int64_t place(std::int64_t group, std::int64_t first) const {
    return base(groups_, group) + first * groups_[static_cast<std::size_t>(group)].rows;
  }
  /// Floats of a row of the sums.
  std::int64_t stride() const { return panels_.count() * kPanelWidth; }

  /// Rows from the beginning of the first group to that of group `group`: wherever a product begins, its last
  /// row's padding is there.
  static std::int64_t base(std::span<const MatrixRows> groups, std::int64_t group) {
    std::int64_t rows = 0;
    for (const MatrixRows& before : groups.first(static_cast<std::size_t>(group))) {
      rows += padded_rows(before.count()) + kRowBlock;
    }
    return rows;
  }

 private:
  /// Float32 numbers can be multiplied as they lie, but if rows are far apart they share few sets of a cache
  /// and push each other out.
  bool packs() const {
    constexpr std::int64_t kFarApart = 512;
    return groups_.size() > 1 || panels_.precision() != Precision::kFp32 || columns_ >= kFarApart;
  }
  std::int64_t size() const { return base(groups_, std::ssize(groups_)); }

  std::vector<MatrixRows> groups_;
  std::int64_t columns_ = 0;
  Panels panels_;
};

/// A sum over rows of d ⊗ x.
struct OuterSum {
  FactorRows x;         ///< none: there is none
  float* to = nullptr;  ///< [outputs, x's stride()]; null: sums()
  /// Unless it is null, a group's sum is multiplied with this mask of the weight, from output `first_output`
  /// on.
  const float* mask = nullptr;
  const Weight* weight = nullptr;
  std::int64_t first_output = 0;
};

/// For a block of a layer's outputs: Σ over rows d[row] ⊗ x[row], a thread's own. Groups are summed up apart
/// and added along base/summation_tree.hpp. Which rows of a group are added up first depends on nothing else.
class OuterProducts {
 public:
  /// Outputs that are worked at once, of a layer with so many in gates of `units` (a multiple of 32). Many at
  /// once read the factor less often; a small layer needs enough blocks that no thread waits long for
  /// another. Sums are the same either way.
  static constexpr std::int64_t block_of(std::int64_t outputs, std::int64_t units, int threads) {
    return units % 64 == 0 && outputs >= std::int64_t{128} * threads ? 64 : 32;
  }

  /// Two sums over the rows `d` of `groups`, for the columns [first, first + count) of d.
  void sum(std::span<const MatrixRows> d, const Range& groups, std::int64_t first, std::int64_t count,
           const std::array<OuterSum, 2>& sums);

  /// One that went nowhere else, [count, its factor's stride()].
  const float* sums(std::size_t number) const { return levels_.front().sums[number].data(); }
  /// Σ d, [count].
  const float* totals() const { return levels_.front().totals.data(); }

 private:
  static constexpr std::int64_t kDepth = 512;  ///< rows at once: d's and a panel's part stay in the cache
  static constexpr std::int64_t kStride = kDepth + 16;  ///< not a power of two: its rows share no cache sets

  /// Sums of a node of the tree.
  struct Level {
    std::array<AlignedBuffer, 2> sums;
    AlignedBuffer totals{64};
  };
  /// What sum() was called for.
  struct Job {
    std::span<const MatrixRows> d;
    std::int64_t first, count;
    const std::array<OuterSum, 2>& sums;
  };

  /// The sums of a group come to level `level`.
  void add_rows(const Job& job, std::int64_t group, std::size_t level);
  /// Adds the sums of the level behind to those of `level`.
  void add_level(const Job& job, std::size_t level);
  float* place(const Job& job, std::size_t number, std::size_t level) {
    float* to = job.sums[number].to;
    return level == 0 && to != nullptr ? to : levels_[level].sums[number].data();
  }

  AlignedBuffer transposed_{64 * kStride};
  std::array<const float*, kDepth> rows_{};
  std::deque<Level> levels_;
};

}  // namespace charrnn
