// --threads: how many cores a rank uses.
#pragma once

#include <cstdint>

#include "app/job.hpp"
#include "models/registry.hpp"
#include "train/run_config.hpp"

namespace charrnn {

struct Resources {
  int threads;  ///< of this rank
  int hosts;    ///< that the job runs on
};

/// So many threads as the run says, for 0 this rank's share of the cores it may use (but 1 in reproducible
/// mode). Collective.
Resources choose_threads(const RunOptions& run, Job& job);

/// Gives the threads to the engine that runs the model, and LibTorch deterministic algorithms in
/// reproducible mode. Not while a model computes.
void give_threads(int threads, const ModelConfig& model, bool reproducible, const Compute& compute);

}  // namespace charrnn
