// The train command's way from what was given to a training: each stage has a type of its own and goes to the next.
//
//     TrainArguments   what was given
//     RunStart         what is in force: a resume applied, nothing touched yet
//     TextSource       the text
//     Training         model, optimizer, communicators
//     RunFolder        the folder is this run's, now that nothing can be refused any more
#pragma once

#include "app/job.hpp"
#include "app/run_folder.hpp"
#include "app/stop_signals.hpp"

namespace charrnn {

/// Collective. Trains, or continues a training, as `arguments` say, until a signal. kDone or kInterrupted; throws
/// Error. `signals` are the caller's, so that one that comes while MPI starts is not lost.
ExitCode run_training(TrainArguments& arguments, StopSignals& signals, Job& job);

}  // namespace charrnn
