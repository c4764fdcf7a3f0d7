#include "report/metrics_file.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.hpp"
#include "base/program_version.hpp"
#include "base/wall_clock.hpp"
#include "report/kept_lines.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;

/// True for a whole line that belongs to a step up to `last`; a torn last line of a killed run does not.
bool is_kept(const std::string& line, std::int64_t last) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("step") && json["step"].is_number() && json["step"] <= last;
}

Json number_or_null(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

void MetricsFile::rewind(std::int64_t step) {
  keep_lines(path_, [&](const std::string& line) { return step > 0 && is_kept(line, step); });
}

void MetricsFile::on_start(const RunFacts& facts) {
  file_.emplace(path_, warn_);
  write({{"event", "run"},
         {"step", facts.first_step},
         {"name", facts.config.run.name},
         {"program_version", kProgramVersion},
         {"ranks", facts.ranks},
         {"parameters", facts.parameters},
         {"steps", facts.last_step},
         {"limit", facts.limit},
         {"total_steps", facts.total_steps},
         {"steps_per_epoch", facts.steps_per_epoch},
         {"config", facts.config_text}});
}

void MetricsFile::on_step(const StepReport& report) {
  Json event{{"event", "step"},
             {"step", report.step},
             {"loss", report.loss},
             {"learning_rate", report.learning_rate},
             {"gradient_norm", report.gradient_norm},
             {"characters_per_second", report.characters_per_second}};
  if (report.noise_scale) event["noise_scale"] = *report.noise_scale;
  write(std::move(event));
}

void MetricsFile::on_skip(const SkipReport& report) {
  // What is not finite is written as null.
  write({{"event", "skipped"},
         {"step", report.step},
         {"loss", report.loss},
         {"gradient_norm", report.gradient_norm},
         {"learning_rate", report.learning_rate},
         {"in_a_row", report.in_a_row},
         {"total", report.total}});
}

void MetricsFile::on_validation(const ValidationReport& report) {
  write({{"event", "validation"},
         {"step", report.step},
         {"val_loss", report.val_loss},
         {"characters", report.characters},
         {"final", report.is_final}});
}

void MetricsFile::on_epoch(const EpochReport& report) {
  write({{"event", "epoch"},
         {"epoch", report.epoch},
         {"step", report.step},
         {"train_loss", report.train_loss},
         {"train_loss_smoothed", report.train_loss_smoothed},
         {"val_loss", number_or_null(report.val_loss)},
         {"learning_rate", report.learning_rate},
         {"characters_per_second", report.characters_per_second},
         {"seconds", report.seconds}});
}

void MetricsFile::on_phases(const PhaseReport& report) {
  if (report.whole_run) return;
  Json event{{"event", "phases"}, {"step", report.step}};
  for (std::size_t i = 0; i < report.seconds.size(); ++i) {
    event["seconds"][std::string(kPhaseNames[i])] = report.seconds[i];
  }
  event["mfu"] = number_or_null(report.mfu);
  write(std::move(event));
}

void MetricsFile::on_end(const EndReport& report) {
  if (!file_) return;
  write({{"event", "end"},
         {"step", report.step},
         {"exit_code", static_cast<int>(report.code)},
         {"best_val_loss", number_or_null(report.best_val_loss)},
         {"best_step", report.best_step > 0 ? Json(report.best_step) : Json()},
         {"last_val_loss", number_or_null(report.last_val_loss)},
         {"skipped_steps", report.skipped_steps},
         {"stopped_early", report.stopped_early}});
}

void MetricsFile::write(Json event) {
  event["time"] = seconds_since_1970();
  file_->append(event.dump() + '\n', event["event"] == "end" ? PatientFile::kLast : PatientFile::kMore);
}

}  // namespace charrnn
