// One training run from its plan to its end: what `train` does, and `reproduce` one time after the other.
#pragma once

#include "app/job.hpp"
#include "app/run_folder.hpp"

namespace charrnn {

/// Collective. Trains, or goes on training, as `arguments` say. kDone or kInterrupted; throws Error.
ExitCode run_training(const TrainArguments& arguments, Job& job);

}  // namespace charrnn
