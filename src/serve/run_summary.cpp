#include "serve/run_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.hpp"
#include "base/first_line.hpp"
#include "checkpoint/attempt_mark.hpp"
#include "checkpoint/safetensors.hpp"
#include "config/toml.hpp"
#include "models/registry.hpp"
#include "serve/watched_file.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::json;

constexpr std::int64_t kWholeFile = 1 << 20;  // read as a whole up to here
constexpr std::int64_t kEnd = 64 << 10, kSample = 2048, kSamples = 160;

std::optional<double> number(const Json& event, const char* key) {
  const auto found = event.find(key);
  if (found == event.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> whole_number(const Json& event, const char* key) {
  const auto found = event.find(key);
  if (found == event.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::string word(const Json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Calls `take` with every whole line of `text` that is a JSON object.
template <class Take>
void each_event(std::string_view text, const Take& take) {
  for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const Json event = Json::parse(text.substr(0, end), nullptr, /*allow_exceptions=*/false);
    if (event.is_object()) take(event);
    text.remove_prefix(end + 1);
  }
}

std::string text_of(const ModelConfig& model) {
  return fmt::format("{}, {} x {}", model.model, model.layers, model.hidden);
}

std::string model_of(const std::string& config_text) {
  try {
    RunConfig config;
    read_toml(config_text, "config", UnknownKeys::kIgnore, nullptr).apply(config);
    return text_of(config.model);
  } catch (const Error&) {
    return "";
  }
}

void take(RunSummary& run, const Json& event) {
  const std::string kind = word(event, "event");
  run.step = whole_number(event, "step").value_or(run.step);
  run.updated = number(event, "time").value_or(run.updated);
  if (kind == "run") {
    run.exit_code.reset();
    ++run.attempts;
    run.started = run.updated;
    run.steps = whole_number(event, "steps").value_or(0);
    run.parameters = whole_number(event, "parameters").value_or(0);
    run.ranks = whole_number(event, "ranks").value_or(0);
    run.model = model_of(word(event, "config"));
  } else if (kind == "step") {
    run.loss = number(event, "loss");
    run.learning_rate = number(event, "learning_rate");
    run.characters_per_second = number(event, "characters_per_second");
  } else if (kind == "epoch") {
    run.epoch = whole_number(event, "epoch");
    run.train_loss = number(event, "train_loss");
  } else if (kind == "end") {
    run.exit_code = whole_number(event, "exit_code").value_or(0);
  }
  if (const auto loss = number(event, "val_loss")) {
    run.val_loss = loss;
    run.best_val_loss = std::min(*loss, run.best_val_loss.value_or(*loss));
  }
  if (const auto best = number(event, "best_val_loss")) run.best_val_loss = best;
}

/// Means of at most 80 stretches of steps.
std::vector<std::pair<std::int64_t, double>> thinned(std::vector<std::pair<std::int64_t, double>> points) {
  constexpr std::size_t kMost = 80;
  if (points.size() <= kMost) return points;
  std::vector<std::pair<std::int64_t, double>> few;
  for (std::size_t i = 0; i < kMost; ++i) {
    const std::size_t from = points.size() * i / kMost, to = points.size() * (i + 1) / kMost;
    double sum = 0;
    for (std::size_t j = from; j < to; ++j) sum += points[j].second;
    few.emplace_back(points[to - 1].first, sum / static_cast<double>(to - from));
  }
  return few;
}

RunState state_of(const RunSummary& run, const std::filesystem::path& folder, double now) {
  if (run.exit_code) {
    if (*run.exit_code == static_cast<int>(ExitCode::kDone)) return RunState::kDone;
    return *run.exit_code == static_cast<int>(ExitCode::kInterrupted) ? RunState::kStopped : RunState::kFailed;
  }
  std::optional<std::string> line;
  try {
    line = first_line(folder / "attempt");
  } catch (const Error&) {
    // The file system does not say: as if the process were elsewhere.
  }
  const AttemptMark::State process = line ? parse_mark(*line).state() : AttemptMark::State::kUnknown;
  if (process == AttemptMark::State::kAlive) return RunState::kTraining;
  if (process == AttemptMark::State::kEnded) return RunState::kDied;
  if (run.updated == 0) return RunState::kEmpty;
  constexpr double kSilence = 300;
  return now - run.updated < kSilence ? RunState::kTraining : RunState::kSilent;
}

}  // namespace

const char* name_of(RunState state) {
  constexpr const char* kNames[] = {"empty", "training", "silent", "died", "done", "stopped", "failed", "model"};
  return kNames[static_cast<std::size_t>(state)];
}

RunSummary summarize_run(const std::filesystem::path& folder, double now) {
  RunSummary run;
  std::vector<std::pair<std::int64_t, double>> losses;
  const auto note_loss = [&](const Json& event) {
    const auto loss = number(event, "loss");
    const auto step = whole_number(event, "step");
    if (word(event, "event") == "step" && loss && step) losses.emplace_back(*step, *loss);
  };
  const auto note = [&](const Json& event) {
    take(run, event);
    note_loss(event);
  };
  if (const auto file = WatchedFile::open(folder / "metrics.jsonl")) {
    const std::int64_t size = file->state().size;
    if (size <= kWholeFile) {
      each_event(file->read(0, kWholeFile), note);
    } else {
      each_event(file->read(0, kEnd), note);
      for (std::int64_t i = 0; i < kSamples; ++i) {
        const std::string sample = file->read(kEnd + (size - 2 * kEnd) * i / kSamples, kSample);
        each_event(std::string_view(sample).substr(std::min(sample.find('\n'), sample.size() - 1) + 1), note_loss);
      }
      const std::string end = file->read(size - kEnd, kEnd);
      each_event(std::string_view(end).substr(std::min(end.find('\n'), end.size() - 1) + 1), note);
    }
  }
  run.sparkline = thinned(std::move(losses));
  run.state = state_of(run, folder, now);
  return run;
}

RunSummary summarize_model(const std::filesystem::path& file) {
  RunSummary model;
  model.state = RunState::kModel;
  constexpr double kNanosecond = 1e-9;
  if (const auto opened = WatchedFile::open(file))
    model.updated = static_cast<double>(opened->state().modified) * kNanosecond;
  try {
    const LayoutOf layout_of = [&](const Checkpoint& described) {
      const ModelConfig& config = described.settings->model;
      const auto symbols = std::ssize(described.vocabulary.symbols);
      ParameterLayout layout = parameter_layout(config, symbols);
      model.model = text_of(config);
      model.parameters = layout.count();
      return layout;
    };
    model.step = read_safetensors(file, Parts::kShapes, layout_of).step;
  } catch (const Error&) {
    model.model = "";
  }
  return model;
}

}  // namespace charrnn
