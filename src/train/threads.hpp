// How many cores a rank uses.
#pragma once

#include <cstdint>

#include "config/run_config.hpp"
#include "dist/communicator.hpp"
#include "models/registry.hpp"
#include "train/reduction_mode.hpp"

namespace charrnn {

struct Resources {
  int threads;  ///< of this rank
  int hosts;    ///< that the job runs on
};

/// The native engine gives the same bits on any number of threads, LibTorch does not.
bool threads_decide_bits(const RunConfig& config);

/// The configured threads, or, where the mode leaves it open, this rank's share of the cores it may use. Collective.
Resources choose_threads(const RunConfig& config, const ReductionMode& mode, Communicator& control);

/// Gives the threads to the engine that runs the model, and LibTorch deterministic algorithms on GPUs and in
/// reproducible mode. Not while a model computes.
void give_threads(int threads, const ModelConfig& model, bool reproducible, const Compute& compute);

}  // namespace charrnn
