#include "app/threads_to_predict.hpp"

#include <algorithm>

#include "dist/topology.hpp"

namespace charrnn {

int threads_to_predict(std::int64_t texts, std::int64_t parameters) {
  constexpr std::int64_t kTexts = 8, kParameters = 1 << 19;
  return static_cast<int>(
      std::clamp<std::int64_t>(std::max(texts / kTexts, parameters / kParameters), 1, threads_alone()));
}

}  // namespace charrnn
