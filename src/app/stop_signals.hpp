// SIGINT, SIGTERM, SIGUSR1 and SIGHUP as a wish to stop, which the trainer looks at once a step.
#pragma once

#include "train/observer.hpp"

namespace charrnn {

/// While it lives, the first of these signals only leaves a note, and the first rank says so at once. A second SIGINT ends
/// the process at once; more of the others change nothing (SLURM sends them repeatedly). Until has_started() the first one
/// ends the process, with exit code 75: there is nothing to save. A SIGPIPE is ignored.
class StopSignals final : public TrainObserver {
 public:
  StopSignals();
  ~StopSignals() override;
  bool wants_stop() override { return received(); }
  /// All ranks are there.
  void has_started();
  /// Whether one came.
  bool received() const;
};

}  // namespace charrnn
