#include "serve/prometheus.hpp"

#include <fmt/format.h>

#include <optional>

namespace charrnn {

namespace {

std::string escaped(const std::string& label) {
  std::string text;
  for (const char c : label) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text;
}

struct Gauge {
  const char* name;
  const char* help;
  std::optional<double> (*value)(const RunSummary& run);
};

constexpr Gauge kGauges[] = {
    {"charrnn_training", "1 while the run trains",
     [](const RunSummary& run) -> std::optional<double> { return run.state == RunState::kTraining ? 1 : 0; }},
    {"charrnn_exit_code", "Exit code of a run that ended",
     [](const RunSummary& run) -> std::optional<double> { return run.exit_code; }},
    {"charrnn_step", "Steps done",
     [](const RunSummary& run) -> std::optional<double> { return static_cast<double>(run.step); }},
    {"charrnn_steps", "Step at which the run ends unless it is stopped",
     [](const RunSummary& run) -> std::optional<double> { return static_cast<double>(run.steps); }},
    {"charrnn_attempts", "Times the run was started",
     [](const RunSummary& run) -> std::optional<double> { return static_cast<double>(run.attempts); }},
    {"charrnn_loss", "Loss of the last logged step, nats per character",
     [](const RunSummary& run) { return run.loss; }},
    {"charrnn_val_loss", "Last validation loss, nats per character",
     [](const RunSummary& run) { return run.val_loss; }},
    {"charrnn_best_val_loss", "Best validation loss, nats per character",
     [](const RunSummary& run) { return run.best_val_loss; }},
    {"charrnn_learning_rate", "Learning rate", [](const RunSummary& run) { return run.learning_rate; }},
    {"charrnn_characters_per_second", "Training speed",
     [](const RunSummary& run) { return run.characters_per_second; }},
    {"charrnn_updated_timestamp_seconds", "Time of the last line of metrics.jsonl, seconds since 1970",
     [](const RunSummary& run) { return run.updated > 0 ? std::optional(run.updated) : std::nullopt; }},
};

}  // namespace

std::string prometheus_text(const std::vector<NamedRun>& runs) {
  std::string text;
  for (const Gauge& gauge : kGauges) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} gauge\n", gauge.name, gauge.help);
    for (const NamedRun& run : runs) {
      if (run.summary.state == RunState::kModel) continue;
      if (const auto value = gauge.value(run.summary)) {
        text += fmt::format("{}{{run=\"{}\"}} {}\n", gauge.name, escaped(run.name), *value);
      }
    }
  }
  return text;
}

}  // namespace charrnn
