// How many cores a rank uses.
#pragma once

#include <cstdint>

#include "config/run_config.hpp"
#include "dist/communicator.hpp"
#include "models/engine.hpp"
#include "train/reduction_mode.hpp"

namespace charrnn {

struct Resources {
  int threads;  ///< of this rank
  int hosts;    ///< that the job runs on
};

/// Whether the number of threads can change the run's bits: its engine says so.
bool threads_decide_bits(const RunConfig& config);

/// The configured threads, or, where the mode leaves it open, this rank's share of the cores it may use. Collective.
Resources choose_threads(const RunConfig& config, const ReductionMode& mode, Communicator& control);

}  // namespace charrnn
