// metrics.jsonl: one JSON object a line, for programs that watch a run.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>

#include "report/patient_file.hpp"
#include "train/observer.hpp"

namespace charrnn {

/// The first line of an attempt is its "run" event, the last one its "end". Every line has its `time` (seconds since 1970)
/// and its `step`. The other fields are named as the members of the reports (train/observer.hpp).
class MetricsFile final : public TrainObserver {
 public:
  /// `warn` hears once when lines have to wait for a full disk.
  MetricsFile(std::filesystem::path path, Warn warn) : path_(std::move(path)), warn_(std::move(warn)) {}

  /// Drops the lines of later steps, which a resumed run writes again; for step 0 all. WriteError if the file cannot be
  /// written.
  void rewind(std::int64_t step) override;
  void on_start(const RunFacts& facts) override;
  void on_step(const StepReport& report) override;
  void on_skip(const SkipReport& report) override;
  void on_validation(const ValidationReport& report) override;
  void on_epoch(const EpochReport& report) override;
  void on_phases(const PhaseReport& report) override;
  void on_end(const EndReport& report) override;

 private:
  void write(nlohmann::ordered_json event);

  std::filesystem::path path_;
  Warn warn_;
  std::optional<PatientFile> file_;
};

}  // namespace charrnn
