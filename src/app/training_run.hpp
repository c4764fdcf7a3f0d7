// One training run from its plan to its end.
#pragma once

#include "app/job.hpp"
#include "app/run_folder.hpp"
#include "train/stop_signals.hpp"

namespace charrnn {

/// Collective. Trains, or goes on training, as `arguments` say, until a signal. kDone or kInterrupted; throws
/// Error. `signals` are the caller's, so that one that comes while MPI starts is not lost.
ExitCode run_training(const TrainArguments& arguments, const StopSignals& signals, Job& job);

}  // namespace charrnn
