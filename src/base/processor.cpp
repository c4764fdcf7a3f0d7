#include "base/processor.hpp"

#include <fmt/format.h>

#include <array>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

namespace charrnn {

std::string processor_description() {
  constexpr std::array kDeciding = {"sse4_2",      "avx",      "avx2",        "fma",     "avx512f",
                                    "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16"};
  std::string model = "unknown processor";
  std::set<std::string> features;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {  // the first core's
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    const std::string value = line.substr(colon + 2);
    if (line.starts_with("model name")) model = value;
    if (line.starts_with("flags")) {
      std::istringstream words(value);
      for (std::string word; words >> word;) features.insert(word);
    }
  }
  std::vector<std::string> here;
  for (const char* feature : kDeciding) {
    if (features.contains(feature)) here.emplace_back(feature);
  }
  return fmt::format("{} ({})", model, fmt::join(here, " "));
}

}  // namespace charrnn
