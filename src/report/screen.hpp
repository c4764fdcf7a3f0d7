// What a person sees of a run.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "train/observer.hpp"

namespace charrnn {

/// The screen of rank 0: what the run is, a table of epochs, samples, and on a terminal a progress line that is
/// redrawn.
class Screen final : public TrainObserver {
 public:
  /// The last line says how to sample from the run in `folder` with `program`, as a shell finds it.
  Screen(std::filesystem::path folder, std::string program, Spelling spelling);
  ~Screen() override;

  void on_start(const RunFacts& facts) override;
  void on_progress(const ProgressReport& report) override;
  void on_validation(const ValidationReport& report) override;
  void on_epoch(const EpochReport& report) override;
  void on_phases(const PhaseReport& report) override;
  void on_sample(std::int64_t step, const std::string& text) override;
  void on_message(Severity severity, const std::string& text) override;
  void on_end(const EndReport& report) override;

 private:
  using Clock = std::chrono::steady_clock;

  void clear_line();
  void print(const std::string& line);
  /// A row of the table of epochs.
  void print_row(const std::string& line);

  std::filesystem::path folder_;
  std::string program_;
  Spelling spelling_;
  bool redraws_;
  std::int64_t first_step_ = 0, last_step_ = 0, epochs_ = 0, steps_per_epoch_ = 1;
  bool line_is_drawn_ = false;
  bool table_has_head_ = false;
  Clock::time_point started_ = Clock::now();
  Clock::time_point last_drawn_{};
};

}  // namespace charrnn
