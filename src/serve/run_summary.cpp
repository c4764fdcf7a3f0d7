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

void add(const Json& event, RunSummary& run) {
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
  const bool is_final =
      event.value("final", Json()) == true;  // of the whole part, while the others may be of a piece of it
  if (const auto loss = number(event, "val_loss"); loss && !is_final) {
    run.val_loss = loss;
    run.best_val_loss = std::min(*loss, run.best_val_loss.value_or(*loss));
  }
  if (const auto best = number(event, "best_val_loss")) run.best_val_loss = best;
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

RunSummarizer::RunSummarizer(std::filesystem::path folder)
    : folder_(std::move(folder)), tail_(folder_ / "metrics.jsonl", "") {}

RunSummary RunSummarizer::update(double now) {
  constexpr std::size_t kMost = 64 << 20;
  for (std::size_t bytes = 0; bytes < kMost;) {
    const EventTail::News news = tail_.next();
    if (news.kind == EventTail::Kind::kNothing) break;
    if (news.kind != EventTail::Kind::kLines) forget();
    take(news.lines);
    bytes += news.lines.size();
  }
  RunSummary run = run_;
  run.sparkline = losses_.points();
  run.state = state_of(run, folder_, now);
  return run;
}

void RunSummarizer::take(const std::string& lines) {
  std::string_view rest = lines;
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const Json event = Json::parse(rest.substr(0, end), nullptr, /*allow_exceptions=*/false);
    rest.remove_prefix(end + 1);
    if (!event.is_object()) continue;
    add(event, run_);
    const auto loss = number(event, "loss");
    if (word(event, "event") == "step" && loss && whole_number(event, "step")) losses_.add(run_.step, *loss);
  }
}

void RunSummarizer::forget() {
  run_ = {};
  losses_ = {};
}

RunSummary summarize_model(const std::filesystem::path& file) {
  RunSummary model;
  model.state = RunState::kModel;
  if (const auto opened = WatchedFile::open(file)) model.updated = opened->state().time();
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
