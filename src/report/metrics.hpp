// metrics.jsonl: one JSON object a line, for programs that watch a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/phase_clock.hpp"

namespace charrnn {

/// What is known after a step.
struct StepReport {
  std::int64_t step = 0;
  double loss = 0;  ///< of this step's window, nats per character
  double learning_rate = 0;
  double gradient_norm = 0;
  double characters_per_second = 0;  ///< since the last report
};

/// What is known after an epoch.
struct EpochReport {
  std::int64_t epoch = 0, step = 0;
  double train_loss = 0;           ///< mean over the epoch's characters
  double train_loss_smoothed = 0;  ///< the notebook's running mean (0.98, bias-corrected)
  std::optional<double> val_loss;
  double learning_rate = 0;  ///< of the epoch's last step
  double characters_per_second = 0;
  double seconds = 0;  ///< spent in training steps
};

/// Where the time went.
struct PhaseReport {
  std::int64_t step = 0;
  PhaseSeconds seconds{};
  /// Of the training phases: operations of the model's products, as a part of what the processors can do.
  std::optional<double> mfu;
};

class MetricsFile {
 public:
  /// Opens for appending. Lines of steps after `keep_until` are dropped first: a resumed run writes them
  /// again.
  MetricsFile(const std::filesystem::path& path, std::int64_t keep_until);

  void write(const StepReport& report);
  void write(const EpochReport& report);
  void write(const PhaseReport& report);
  /// A validation between epoch ends.
  void write_validation(std::int64_t step, double val_loss);

 private:
  void write_line(const std::string& line);

  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace charrnn
