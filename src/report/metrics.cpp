#include "report/metrics.hpp"

#include <nlohmann/json.hpp>
#include <string>

#include "base/atomic_file.hpp"
#include "base/error.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;

/// True for a whole line that belongs to a step up to `last`; a torn last line of a killed run does not.
bool is_kept(const std::string& line, std::int64_t last) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("step") && json["step"].is_number() && json["step"] <= last;
}

}  // namespace

MetricsFile::MetricsFile(const std::filesystem::path& path, std::int64_t keep_until) : path_(path) {
  std::string kept;
  std::ifstream before(path);
  for (std::string line; std::getline(before, line);) {
    if (is_kept(line, keep_until)) kept += line + "\n";
  }
  replace_file(path, kept);
  file_.open(path, std::ios::app | std::ios::binary);
  require(file_.good(), "cannot write '{}'", path.string());
}

void MetricsFile::write(const StepReport& report) {
  write_line(Json{{"event", "step"},
                  {"step", report.step},
                  {"loss", report.loss},
                  {"learning_rate", report.learning_rate},
                  {"gradient_norm", report.gradient_norm},
                  {"characters_per_second", report.characters_per_second}}
                 .dump());
}

void MetricsFile::write(const EpochReport& report) {
  write_line(Json{{"event", "epoch"},
                  {"epoch", report.epoch},
                  {"step", report.step},
                  {"train_loss", report.train_loss},
                  {"train_loss_smoothed", report.train_loss_smoothed},
                  {"val_loss", report.val_loss ? Json(*report.val_loss) : Json()},
                  {"learning_rate", report.learning_rate},
                  {"characters_per_second", report.characters_per_second},
                  {"seconds", report.seconds}}
                 .dump());
}

void MetricsFile::write(const PhaseReport& report) {
  Json json{{"event", "phases"}, {"step", report.step}};
  for (std::size_t i = 0; i < report.seconds.size(); ++i) {
    json["seconds"][std::string(kPhaseNames[i])] = report.seconds[i];
  }
  json["mfu"] = report.mfu ? Json(*report.mfu) : Json();
  write_line(json.dump());
}

void MetricsFile::write_validation(std::int64_t step, double val_loss) {
  write_line(Json{{"event", "validation"}, {"step", step}, {"val_loss", val_loss}}.dump());
}

void MetricsFile::write_line(const std::string& line) {
  file_ << line << '\n' << std::flush;
  require(file_.good(), "cannot write '{}'; is the disk full?", path_.string());
}

}  // namespace charrnn
