#include "models/product_rate.hpp"

#include <algorithm>
#include <chrono>

#include "models/native/panels.hpp"

namespace charrnn {

double measure_product_rate(Precision precision, ThreadTeam& team) {
  constexpr std::int64_t kRows = 64, kDepth = 512, kColumns = 256, kRepeats = 20;
  constexpr double kSeconds = 0.1;  // of rounds: a shared machine has slow moments. At least two:
  constexpr int kRounds = 2;        // the first one makes the micro-kernels
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const Clock::time_point begin = Clock::now();
  Clock::time_point start;
  double best = 0;
  bool goes_on = true;  // thread 0 says so, between barriers
  team.run([&](int thread) {
    AlignedBuffer a(kRows * kDepth), c(kRows * kColumns);
    Panels b(precision);
    b.resize(kDepth, kColumns);
    for (int round = 1; goes_on; ++round) {
      team.barrier();
      if (thread == 0) start = Clock::now();
      for (std::int64_t i = 0; i < kRepeats; ++i) {
        LeftFactor({a.data(), kDepth, kRows}, kDepth, b)
            .multiply(c.data(), kColumns, false, b, {0, b.count()});
      }
      team.barrier();
      if (thread == 0) {
        best =
            std::max(best, 2.0 * kRows * kDepth * kColumns * kRepeats * team.size() / seconds_since(start));
        goes_on = round < kRounds || seconds_since(begin) < kSeconds;
      }
      team.barrier();
    }
  });
  return best;
}

}  // namespace charrnn
