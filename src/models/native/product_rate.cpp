#include "models/native/product_rate.hpp"

#include <algorithm>
#include <chrono>

#include "models/native/aligned_buffer.hpp"

namespace charrnn {

double measure_product_rate(Precision precision, ThreadTeam& team) {
  constexpr std::int64_t kRows = 64, kDepth = 512, kColumns = 256, kRepeats = 20;
  constexpr int kRounds = 4;  // the first one makes the micro-kernels
  using Clock = std::chrono::steady_clock;
  Clock::time_point start;
  double best = 0;
  team.run([&](int thread) {
    AlignedBuffer a(kRows * kDepth), c(kRows * kColumns);
    Panels b(precision);
    b.resize(kDepth, kColumns);
    for (int round = 0; round < kRounds; ++round) {
      team.barrier();
      if (thread == 0) start = Clock::now();
      for (std::int64_t i = 0; i < kRepeats; ++i) {
        multiply({a.data(), kDepth, c.data(), kColumns, kRows, false}, b, {0, b.count()}, {0, kDepth});
      }
      team.barrier();
      if (thread != 0) continue;
      const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
      best = std::max(best, 2.0 * kRows * kDepth * kColumns * kRepeats * team.size() / seconds);
    }
  });
  return best;
}

}  // namespace charrnn
