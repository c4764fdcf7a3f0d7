// --threads: how many cores a rank uses.
#pragma once

#include <cstdint>

#include "app/job.hpp"
#include "train/run_config.hpp"

namespace charrnn {

struct Resources {
  int threads;  ///< of this rank
  int hosts;    ///< that the job runs on
};

/// Sets LibTorch up: so many threads, for 0 this rank's share of the cores it may use (but 1 in reproducible
/// mode), and deterministic algorithms in that mode. Collective.
Resources choose_threads(const RunOptions& run, Job& job);

}  // namespace charrnn
