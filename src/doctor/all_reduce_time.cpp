#include "doctor/all_reduce_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/text.hpp"

namespace charrnn {

namespace {

/// The median of some.
double seconds_of(Communicator& gradients, std::span<float> data) {
  constexpr int kWarmUp = 3;
  std::array<double, 15> seconds{};
  for (int i = -kWarmUp; i < static_cast<int>(seconds.size()); ++i) {
    gradients.barrier();
    const auto start = std::chrono::steady_clock::now();
    gradients.all_reduce_sum(data);
    gradients.barrier();  // on a GPU the call before returns when it is queued
    if (i < 0) continue;
    seconds[static_cast<std::size_t>(i)] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::ranges::sort(seconds);
  return seconds[seconds.size() / 2];
}

}  // namespace

Findings time_all_reduce(Communicator& gradients, DeviceMemory& memory) {
  constexpr std::size_t kLittle = 16, kMuch = std::size_t{1} << 22;  // floats; the second is the size of a large LSTM
  const std::unique_ptr<void, std::function<void(void*)>> place(memory.allocate(kMuch * sizeof(float)),
                                                                [&](void* data) { memory.release(data); });
  const std::vector<float> zeros(kMuch);
  memory.to_device(place.get(), zeros.data(), kMuch * sizeof(float));
  const std::span<float> data(static_cast<float*>(place.get()), kMuch);
  const double little = seconds_of(gradients, data.first(kLittle)), much = seconds_of(gradients, data);
  // Each rank of a ring sends and receives 2 (n - 1) / n of the data (NCCL's documentation, "bus bandwidth").
  const double ranks = gradients.size();
  const double rate = 2 * (ranks - 1) / ranks * static_cast<double>(kMuch * sizeof(float)) / much;
  Finding finding{
      .topic = "all-reduce",
      .text = fmt::format("over {}: {:.0f} us for 64 bytes, {:.1f} ms for 17 MB, {}/s from rank to rank",
                          gradients.name(), 1e6 * little, 1e3 * much, bytes_text(static_cast<std::uint64_t>(rate)))};
  constexpr double kSlow = 1e-3, kThin = 1e8;
  if (little > kSlow || rate < kThin) {
    finding.verdict = Verdict::kWarning;
    finding.remedy =
        "slow: are cores shared with other work, or does MPI use a slow interface (OMPI_MCA_btl_tcp_if_include)?";
  }
  return {finding};
}

}  // namespace charrnn
