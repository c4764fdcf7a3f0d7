// A rank's log: log.rank<r>.txt in the run's folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/warn.hpp"
#include "train/observer.hpp"

namespace spdlog {
class logger;
}

namespace charrnn {

/// Everything that happens, with the time, on every rank.
class LogFile final : public TrainObserver {
 public:
  /// Appends. DataError if the file cannot be written. `warn` hears of the first line that cannot be written later.
  LogFile(const std::filesystem::path& folder, int rank, Spelling spelling, Warn warn);

  void on_start(const RunFacts& facts) override;
  void on_step(const StepReport& report) override;
  void on_skip(const SkipReport& report) override;
  void on_validation(const ValidationReport& report) override;
  void on_epoch(const EpochReport& report) override;
  void on_phases(const PhaseReport& report) override;
  void on_checkpoint(std::int64_t step, const std::string& path) override;
  void on_message(Severity severity, const std::string& text) override;
  void on_end(const EndReport& report) override;

 private:
  Spelling spelling_;
  std::shared_ptr<spdlog::logger> log_;
};

}  // namespace charrnn
