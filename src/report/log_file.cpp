#include "report/log_file.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "report/lines.hpp"

namespace charrnn {

LogFile::LogFile(const std::filesystem::path& folder, int rank, Spelling spelling, Warn warn) : spelling_(spelling) {
  const std::filesystem::path file = folder / fmt::format("log.rank{}.txt", rank);
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    log_ = std::make_shared<spdlog::logger>("charrnn", std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    const int reason = errno;
    throw WriteError(fmt::format("cannot write '{}': {}; the run's folder must be one that every rank can reach",
                                 file.string(), error.what()),
                     reason);
  }
  log_->set_pattern("%Y-%m-%d %H:%M:%S.%e %L %v");
  log_->set_error_handler([file, warn = std::move(warn), has_warned = false](const std::string&) mutable {
    if (!std::exchange(has_warned, true)) warn(fmt::format("cannot write '{}': is the disk full?", file.string()));
  });
  log_->flush_on(spdlog::level::info);
}

void LogFile::on_start(const RunFacts& facts) {
  for (const std::string& line : start_lines(facts)) log_->info(line);
}

void LogFile::on_step(const StepReport& report) {
  log_->info("step {} loss {:.6f} lr {:.3g} gradient norm {:.4g} {} char/s{}", report.step, report.loss,
             report.learning_rate, report.gradient_norm, rate_text(report.characters_per_second),
             report.noise_scale ? fmt::format(" noise scale {:.3g}", *report.noise_scale) : "");
}

void LogFile::on_skip(const SkipReport& report) {
  log_->warn(skip_line(report));
}

void LogFile::on_validation(const ValidationReport& report) {
  log_->info(validation_line(report));
}

void LogFile::on_epoch(const EpochReport& report) {
  log_->info(epoch_line(report));
}

void LogFile::on_phases(const PhaseReport& report) {
  log_->info("time: {}", phases_line(report));
}

void LogFile::on_checkpoint(std::int64_t /*step*/, const std::string& path) {
  log_->info("saved {}", path);
}

void LogFile::on_message(Severity severity, const std::string& text) {
  if (severity == Severity::kWarning) {
    log_->warn(without_controls(spelling_(text)));
  } else {
    log_->info(without_controls(spelling_(text)));
  }
}

void LogFile::on_end(const EndReport& report) {
  if (!report.error.empty()) {
    log_->info("stopped: {}", without_controls(spelling_(report.error)));
  } else if (report.code == ExitCode::kDone) {
    for (const std::string& line : end_lines(report)) log_->info(line);
  } else {
    log_->info("stopped by a signal, all saved, at step {}", report.step);
  }
}

}  // namespace charrnn
