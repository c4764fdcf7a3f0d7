// SIGINT, SIGTERM, SIGUSR1 and SIGHUP as a wish to stop, which the trainer looks at once a step.
#pragma once

namespace charrnn {

/// While it lives, the first of these signals only leaves a note. A second SIGINT ends the process at once;
/// more of the others change nothing (SLURM sends them repeatedly). A SIGPIPE is ignored.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// Number of the signal that came, or 0.
  int received() const;
};

}  // namespace charrnn
