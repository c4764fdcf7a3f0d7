// --threads: how many cores a rank uses.
#pragma once

#include <cstdint>

#include "app/job.hpp"
#include "config/run_config.hpp"
#include "models/registry.hpp"

namespace charrnn {

struct Resources {
  int threads;  ///< of this rank
  int hosts;    ///< that the job runs on
};

/// The native engine gives the same bits on any number of threads, LibTorch does not.
bool threads_decide_bits(const RunConfig& config);

/// RunOptions::threads, but 1 for 0 in reproducible mode where they decide the bits.
std::int64_t threads_of(const RunConfig& config);

/// So many threads as the run says, for 0 this rank's share of the cores it may use. Collective.
Resources choose_threads(const RunConfig& config, Job& job);

/// Gives the threads to the engine that runs the model, and LibTorch deterministic algorithms on GPUs and in
/// reproducible mode. Not while a model computes.
void give_threads(int threads, const ModelConfig& model, bool reproducible, const Compute& compute);

}  // namespace charrnn
