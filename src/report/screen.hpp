// What a person sees of a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "report/progress_line.hpp"
#include "train/observer.hpp"

namespace charrnn {

/// The screen of rank 0: what the run is, a table of epochs, samples, and a progress line.
class Screen final : public TrainObserver {
 public:
  /// The last line says how to sample from the run in `folder` with `program`, as a shell finds it.
  Screen(std::filesystem::path folder, std::string program, Spelling spelling);

  void on_work(std::string_view what, std::int64_t done, std::int64_t total) override;
  void on_start(const RunFacts& facts) override;
  void on_progress(const ProgressReport& report) override;
  void on_step(const StepReport& report) override { noise_scale_ = report.noise_scale; }
  /// Only of the first in a row.
  void on_skip(const SkipReport& report) override;
  void on_validation(const ValidationReport& report) override;
  void on_epoch(const EpochReport& report) override;
  void on_phases(const PhaseReport& report) override;
  void on_sample(std::int64_t step, const std::string& text) override;
  void on_message(Severity severity, const std::string& text) override;
  void on_end(const EndReport& report) override;

 private:
  /// A line that begins with a label; on a terminal what does not fit goes below, beside the label.
  void print_labelled(const std::string& line);
  /// A row of the table of epochs.
  void print_row(const std::string& line);

  std::filesystem::path folder_;
  std::string program_;
  Spelling spelling_;
  std::int64_t last_step_ = 0, steps_per_epoch_ = 1;
  std::string epochs_;  ///< that last_step_ is
  bool table_has_head_ = false;
  std::optional<double> noise_scale_;  ///< the latest
  ProgressLine line_{stdout};
  WorkLine work_{line_};
};

}  // namespace charrnn
