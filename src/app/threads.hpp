// --threads: how many cores a rank uses.
#pragma once

#include <cstdint>

#include "app/job.hpp"

namespace charrnn {

struct Resources {
  int threads;  ///< of this rank
  int hosts;    ///< that the job runs on
};

/// Sets LibTorch's threads to `option`, or for 0 to this rank's share of the cores it may use. Collective.
Resources choose_threads(std::int64_t option, Job& job);

}  // namespace charrnn
