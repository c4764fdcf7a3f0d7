#include "report/experiment_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "report/line_chart.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kWithin = 0.01;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double at(const std::vector<double>& values, std::size_t i) {
  return i < values.size() ? values[i] : kNone;
}

std::string number(double value, const char* format = "{:.4f}") {
  return std::isfinite(value) ? fmt::format(fmt::runtime(format), value) : "";
}

Json json_number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

/// The same text as a line of Markdown code: nothing in it means anything.
std::string quoted(const std::string& text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') {
      line += "\\n";
    } else {
      line += c == '`' ? '\'' : c;
    }
  }
  return "`" + line + "`";
}

std::string table_of_epochs(const ExperimentResult& result) {
  const Experiment& notebook = result.experiment;
  std::string text =
      "| epoch | learning rate | training | notebook | validation | notebook | difference | seconds |\n"
      "|---|---|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < result.epochs.size(); ++i) {
    const ExperimentResult::Epoch& epoch = result.epochs[i];
    const double other = at(notebook.validation, i);
    text +=
        fmt::format("| {} | {:.3g} | {} | {} | {} | {} | {} | {:.1f} |\n", i, epoch.learning_rate,
                    number(epoch.train_loss_smoothed), number(at(notebook.train, i)), number(epoch.val_loss),
                    number(other), number(epoch.val_loss - other, "{:+.4f}"), epoch.seconds);
  }
  return text;
}

std::string curves_of(const ExperimentResult& result) {
  Curve validation{"ours", {}, false, 0}, training{"ours, training", {}, true, 0};
  for (std::size_t i = 0; i < result.epochs.size(); ++i) {
    const auto x = static_cast<double>(i + 1);
    validation.points.emplace_back(x, result.epochs[i].val_loss);
    training.points.emplace_back(x, result.epochs[i].train_loss_smoothed);
  }
  const auto of_notebook = [&](const char* name, const std::vector<double>& losses, bool dashed) {
    Curve curve{name, {}, dashed, 1};
    for (std::size_t i = 0; i < std::min(losses.size(), result.epochs.size()); ++i) {
      curve.points.emplace_back(static_cast<double>(i + 1), losses[i]);
    }
    return curve;
  };
  const Curve curves[] = {validation, training, of_notebook("notebook", result.experiment.validation, false),
                          of_notebook("notebook, training", result.experiment.train, true)};
  return line_chart(curves, {.x_label = "epochs", .y_label = "loss, nats per character"});
}

std::string section_of(const ExperimentResult& result) {
  const Experiment& experiment = result.experiment;
  std::string text = fmt::format("\n## {}\n\n{}. {}\n\n", experiment.name, experiment.title, result.model);
  if (!result.finished) text += "This run is not finished.\n\n";
  text += fmt::format("    {}\n\n{}\n![losses]({}.svg)\n", result.config, table_of_epochs(result),
                      experiment.name);
  if (!result.next.empty()) {
    text += "\n| after | most probable here | the notebook's |\n|---|---|---|\n";
    for (std::size_t i = 0; i < result.next.size(); ++i) {
      text += fmt::format("| {} | {} | {} |\n", quoted(result.next[i].first), quoted(result.next[i].second),
                          quoted(experiment.next[i].second));
    }
  }
  if (!result.greedy.empty()) text += fmt::format("\nGreedy: {}\n", quoted(result.greedy));
  if (!result.sampled.empty()) text += fmt::format("\nDrawn:\n\n```\n{}\n```\n", result.sampled);
  return text;
}

std::string markdown(const std::vector<ExperimentResult>& results, const ReportFacts& facts) {
  std::string text = fmt::format(
      "# The notebook's runs, trained again\n\nMade by\n\n    {}\n\n{}; {}. Losses are nats per character. "
      "\"Training\" is the notebook's running mean (0.98) at the epoch's end; validation is exact. A run has "
      "reached the notebook if its last loss is at most {} above the lowest that the notebook "
      "printed.\n\n| run | shows | loss | notebook | difference | |\n|---|---|---|---|---|---|\n",
      facts.command, facts.machine, facts.created_utc, kWithin);
  for (const ExperimentResult& result : results) {
    const Experiment& experiment = result.experiment;
    text += fmt::format("| [{0}](#{0}) | {1} | {2} | {3} | {4} | {5} |\n", experiment.name, experiment.title,
                        number(result.final_loss()), number(result.notebook_loss()),
                        number(result.final_loss() - result.notebook_loss(), "{:+.4f}"),
                        !result.finished   ? "not finished"
                        : result.reached() ? "reached"
                                           : "**not reached**");
  }
  for (const ExperimentResult& result : results) text += section_of(result);
  return text;
}

Json to_json(const ExperimentResult& result) {
  const Experiment& notebook = result.experiment;
  Json epochs = Json::array();
  for (std::size_t i = 0; i < result.epochs.size(); ++i) {
    const ExperimentResult::Epoch& epoch = result.epochs[i];
    epochs.push_back({{"epoch", i},
                      {"learning_rate", epoch.learning_rate},
                      {"train_loss", epoch.train_loss},
                      {"train_loss_smoothed", epoch.train_loss_smoothed},
                      {"notebook_train_loss", json_number(at(notebook.train, i))},
                      {"val_loss", json_number(epoch.val_loss)},
                      {"notebook_val_loss", json_number(at(notebook.validation, i))},
                      {"difference", json_number(epoch.val_loss - at(notebook.validation, i))},
                      {"seconds", epoch.seconds}});
  }
  Json next = Json::array();
  for (std::size_t i = 0; i < result.next.size(); ++i) {
    next.push_back({{"after", result.next[i].first},
                    {"ours", result.next[i].second},
                    {"notebook", notebook.next[i].second}});
  }
  return {{"name", notebook.name},
          {"title", notebook.title},
          {"config", result.config},
          {"finished", result.finished},
          {"final",
           {{"kind", notebook.validation.empty() ? "training" : "validation"},
            {"loss", json_number(result.final_loss())},
            {"notebook", json_number(result.notebook_loss())},
            {"difference", json_number(result.final_loss() - result.notebook_loss())},
            {"reached", result.finished && result.reached()}}},
          {"epochs", std::move(epochs)},
          {"next", std::move(next)},
          {"greedy", result.greedy},
          {"sampled", result.sampled}};
}

}  // namespace

double ExperimentResult::final_loss() const {
  if (epochs.empty()) return kNone;
  return experiment.validation.empty() ? epochs.back().train_loss_smoothed : epochs.back().val_loss;
}

double ExperimentResult::notebook_loss() const {
  const std::vector<double>& printed =
      experiment.validation.empty() ? experiment.train : experiment.validation;
  return printed.empty() ? kNone : *std::min_element(printed.begin(), printed.end());
}

bool ExperimentResult::reached() const {
  return final_loss() <= notebook_loss() + kWithin;
}

std::vector<ExperimentResult::Epoch> read_epochs(const std::filesystem::path& metrics) {
  std::vector<ExperimentResult::Epoch> epochs;
  std::ifstream file(metrics);
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || json.value("event", "") != "epoch") continue;
    const Json& val_loss = json["val_loss"];
    epochs.push_back({json.value("learning_rate", kNone), json.value("train_loss", kNone),
                      json.value("train_loss_smoothed", kNone), json.value("seconds", kNone),
                      val_loss.is_number() ? val_loss.get<double>() : kNone});
  }
  return epochs;
}

void write_report(const std::filesystem::path& folder, const std::vector<ExperimentResult>& results,
                  const ReportFacts& facts) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  require(!error, "cannot make the report's folder '{}': {}", folder.string(), error.message());
  Json runs = Json::array();
  for (const ExperimentResult& result : results) {
    runs.push_back(to_json(result));
    replace_file(folder / (result.experiment.name + ".svg"), curves_of(result));
  }
  replace_file(folder / "report.md", markdown(results, facts));
  const Json all{{"command", facts.command},
                 {"machine", facts.machine},
                 {"created_utc", facts.created_utc},
                 {"within", kWithin},
                 {"runs", std::move(runs)}};
  replace_file(folder / "reproduce.json", all.dump(2) + "\n");
}

}  // namespace charrnn
