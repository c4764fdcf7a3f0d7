#include "train/gradient_norm.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/range.hpp"
#include "train/update_kernels.hpp"

namespace charrnn {

double gradient_norm(LanguageModel& model, ThreadTeam& team) {
  constexpr std::int64_t kBlock = 1 << 16;  // whatever the number of threads, so that the sum has one order
  const std::span<const float> gradient = model.gradient();
  const std::int64_t size = std::ssize(gradient), blocks = (size + kBlock - 1) / kBlock;
  std::vector<double> sums(static_cast<std::size_t>(blocks));
  team.run([&](int thread) {
    const Range mine = share_of(blocks, thread, team.size());
    for (std::int64_t block = mine.first; block < mine.end(); ++block) {
      const std::int64_t first = block * kBlock;
      sums[static_cast<std::size_t>(block)] =
          update_kernels().sum_of_squares(std::min(kBlock, size - first), gradient.data() + first);
    }
  });
  return std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0));
}

}  // namespace charrnn
