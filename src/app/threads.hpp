// --threads: how many cores a rank uses.
#pragma once

#include <cstdint>

#include "app/job.hpp"
#include "config/run_config.hpp"
#include "models/engine.hpp"

namespace charrnn {

struct Resources {
  int threads;  ///< of this rank
  int hosts;    ///< that the job runs on
};

/// Whether the number of threads can change the run's bits: its engine says so.
bool threads_decide_bits(const RunConfig& config);

/// RunOptions::threads, but 1 for 0 in reproducible mode where they decide the bits.
std::int64_t threads_of(const RunConfig& config);

/// So many threads as the run says, for 0 this rank's share of the cores it may use. Collective.
Resources choose_threads(const RunConfig& config, Job& job);

}  // namespace charrnn
