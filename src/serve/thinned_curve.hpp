// A curve of few points that stands for one of many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace charrnn {

/// Takes points one by one, and keeps at most 80, each the mean of equally many that followed each other (the last one of what
/// there is).
///
///     ThinnedCurve curve;
///     for (…) curve.add(step, loss);
///     for (const auto& [step, mean] : curve.points()) …
class ThinnedCurve {
 public:
  void add(std::int64_t step, double value);

  /// (last step, mean) of each stretch.
  std::vector<std::pair<std::int64_t, double>> points() const;

 private:
  struct Stretch {
    std::int64_t last = 0;
    double sum = 0;
    std::size_t count = 0;
  };

  std::vector<Stretch> stretches_;
  std::size_t full_ = 1;  ///< points of a stretch
};

}  // namespace charrnn
