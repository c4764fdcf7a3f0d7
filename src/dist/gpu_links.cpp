#include "dist/gpu_links.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#ifdef CHARRNN_CUDA
#include "dist/cuda_runtime.hpp"
#endif

namespace charrnn {

std::vector<GpuLink> gpu_links_here() {
  std::vector<GpuLink> pairs;
#ifdef CHARRNN_CUDA
  const int count = cuda_device_count();
  for (int one = 0; one < count; ++one) {
    for (int other = one + 1; other < count; ++other) pairs.push_back(cuda_link(one, other));
  }
#endif
  return pairs;
}

std::string links_text(std::span<const GpuLink> pairs) {
  constexpr std::pair<GpuLink, const char*> kWords[] = {
      {GpuLink::kNvlink, "NVLink"}, {GpuLink::kPcie, "PCIe"}, {GpuLink::kHost, "host memory"}};
  std::string text;
  for (const auto& [link, words] : kWords) {
    const auto count = std::ranges::count(pairs, link);
    if (count == 0) continue;
    if (count == std::ssize(pairs)) {
      return count == 1 ? fmt::format("{} between both", words) : fmt::format("{} between all {} pairs", words, count);
    }
    text += text.empty() ? fmt::format("{} between {} pair(s)", words, count)
                         : fmt::format(", {} between {}", words, count);
  }
  return text;
}

}  // namespace charrnn
