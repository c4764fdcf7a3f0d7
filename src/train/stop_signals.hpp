// SIGINT, SIGTERM and SIGUSR1 as a wish to stop, which the trainer looks at once a step.
#pragma once

namespace charrnn {

/// While it lives, the first of these signals only leaves a note. A second SIGINT ends the process at once;
/// more SIGTERM and SIGUSR1 change nothing (SLURM sends them repeatedly).
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
