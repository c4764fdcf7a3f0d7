// The window lengths of an epoch.
#pragma once

#include <cstdint>
#include <vector>

namespace charrnn {

/// Cuts the rows of the columns into the windows that backpropagation runs through. A pure function of (seed, epoch),
/// the same on every rank.
///
///     const BpttSchedule windows(/*seed=*/1, /*rows=*/7714, /*bptt=*/8, /*jitter=*/true);
///     const std::vector<std::int64_t> lengths = windows.lengths(/*epoch=*/0);   // 963 of them; their sum is 7713
///
/// Without jitter every window has `bptt` rows, but for a shorter last one. With jitter an epoch has
/// max(1, rows div bptt − 1) windows (as fast.ai's LanguageModelLoader counts them: 963 for the notebook's
/// 493,747 characters in 64 columns), whose lengths are drawn as that loader draws them:
/// max(5, normal(bptt, 5)), 5 % of the time around bptt / 2. Then, in random order, windows give or take a
/// row until they cover the rows exactly, so that every epoch has the same number of steps and sees all the
/// text.
class BpttSchedule {
 public:
  /// DataError if the columns are too short for one window.
  BpttSchedule(std::uint64_t seed, std::int64_t rows, std::int64_t bptt, bool jitter);

  std::int64_t windows_per_epoch() const { return windows_; }
  /// Lengths of the windows of one epoch; they sum to rows − 1.
  std::vector<std::int64_t> lengths(std::int64_t epoch) const;

 private:
  std::uint64_t seed_;
  std::int64_t inputs_;  ///< rows that are inputs: rows − 1
  std::int64_t bptt_;
  bool jitter_;
  std::int64_t windows_;
};

}  // namespace charrnn
