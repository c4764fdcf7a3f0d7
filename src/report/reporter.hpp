// All that a rank tells while it trains: its log file, and on rank 0 the screen, metrics.jsonl and
// samples.txt.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "report/metrics.hpp"

namespace spdlog {
class logger;
}

namespace charrnn {

/// How long a run is, for the progress line.
struct RunLength {
  std::int64_t first_step = 0;  ///< where this attempt began
  std::int64_t last_step = 0;
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
};

class Reporter {
 public:
  /// `folder` is the run's; it must exist. Metrics are kept up to length.first_step. The screen gets a
  /// progress line that is redrawn if it is a terminal, else only what stays.
  Reporter(const std::filesystem::path& folder, int rank, const RunLength& length);
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// A line for screen and log: what a person should know (info) or do something about (warn).
  void info(const std::string& line);
  void warn(const std::string& line);
  /// A line for the log alone.
  void log(const std::string& line);

  /// After every step; redraws the progress line now and then.
  void progress(std::int64_t step, double smoothed_loss, double characters_per_second);
  void step(const StepReport& report);
  void epoch(const EpochReport& report, bool is_best);
  /// Of an epoch, for metrics.jsonl and the log.
  void phases(const PhaseReport& report);
  /// Of the whole run, for the screen too.
  void phase_summary(const PhaseReport& report);
  void validation(std::int64_t step, double val_loss);
  /// What the model writes now: appended to samples.txt, its beginning shown.
  void sample(std::int64_t step, const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;

  void clear_line();
  void print(const std::string& line);

  std::filesystem::path folder_;
  bool screen_;   ///< rank 0
  bool redraws_;  ///< the screen is a terminal
  RunLength length_;
  std::shared_ptr<spdlog::logger> log_;
  std::unique_ptr<MetricsFile> metrics_;
  bool line_is_drawn_ = false;
  bool table_has_head_ = false;
  Clock::time_point started_ = Clock::now();
  Clock::time_point last_drawn_{};
};

}  // namespace charrnn
