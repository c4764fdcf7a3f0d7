// The report of `reproduce`: our runs beside the notebook's.
#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "report/experiment.hpp"

namespace charrnn {

/// What one of our runs gave.
struct ExperimentResult {
  struct Epoch {
    double learning_rate = 0, train_loss = 0, train_loss_smoothed = 0, seconds = 0;
    double val_loss = std::numeric_limits<double>::quiet_NaN();  ///< NaN: no validation part
  };
  Experiment experiment;
  std::string config;  ///< file
  std::string model;   ///< a line about it
  bool finished = false;
  std::vector<Epoch> epochs;
  std::vector<std::pair<std::string, std::string>> next;  ///< prime, and our most probable next character
  std::string greedy, sampled;                            ///< texts that go on from experiment.prime

  /// The loss that counts at the end: validation, or the training's running mean without a validation part.
  double final_loss() const;
  /// The lowest that the notebook printed of that kind.
  double notebook_loss() const;
  /// Within 0.01 nats of it, or better.
  bool reached() const;
};

/// What all runs share.
struct ReportFacts {
  std::string command;  ///< that makes the report again
  std::string machine;  ///< processor, ranks, threads
  std::string created_utc;
};

/// The epochs that a run's metrics.jsonl tells of; none if there is no such file.
std::vector<ExperimentResult::Epoch> read_epochs(const std::filesystem::path& metrics);

/// Writes report.md, <name>.svg and reproduce.json into `folder`. DataError if it cannot.
void write_report(const std::filesystem::path& folder, const std::vector<ExperimentResult>& results,
                  const ReportFacts& facts);

}  // namespace charrnn
