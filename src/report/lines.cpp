#include "report/lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/text.hpp"

namespace charrnn {

namespace {

std::string schedule_text(const RunFacts& facts) {
  const ScheduleConfig& schedule = facts.config.schedule;
  const OptimizerConfig& optimizer = facts.config.optimizer;
  std::string text;
  if (!schedule.phases.empty()) text = fmt::format("phases {}", fmt::join(schedule.phases, ", "));
  if (schedule.schedule == "constant") text = fmt::format("constant {}", optimizer.learning_rate);
  if (schedule.schedule == "sgdr") {
    text += fmt::format("{}sgdr from {}, first cycle {} epoch(s), then x{}", text.empty() ? "" : ", then ",
                        optimizer.learning_rate, schedule.cycle_epochs, schedule.cycle_mult);
  }
  return text;
}

/// "dropout 0.5 between layers, 0.2 of weights", or "no dropout".
std::string dropout_text(const ModelConfig& model) {
  std::string text;
  const auto add = [&](double p, const char* where) {
    if (p > 0) text += fmt::format("{}{} {}", text.empty() ? "dropout " : ", ", p, where);
  };
  if (model.layers > 1) add(model.dropout, "between layers");
  add(model.dropout_input, "of the input");
  add(model.dropout_output, "of the output");
  add(model.weight_dropout, "of recurrent weights");
  if (text.empty()) return "no dropout";
  return text + (model.locked_dropout ? " (locked)" : "");
}

/// "; 1,039 of 4,466 characters kept, 23.7 % of the training text and 30.8 % of the validation text unknown", or nothing
/// where all are known.
std::string share_text(const RunFacts& facts) {
  const VocabularyShare& share = facts.share;
  if (share.known == share.different) return "";
  const bool has_validation = facts.config.data.window == 0 && facts.corpus.train_characters < facts.corpus.characters;
  return fmt::format(
      "; {} of {} characters kept, {} of the {}text{} unknown", with_commas(share.known), with_commas(share.different),
      percent_text(share.unknown_training), has_validation ? "training " : "",
      has_validation ? fmt::format(" and {} of the validation text", percent_text(share.unknown_validation)) : "");
}

/// "a.txt", "books (312 files)", or "a.txt and 2 more (3 files)".
std::string corpus_text(const RunFacts& facts) {
  const Paths& paths = facts.config.data.corpus;
  return fmt::format("{}{}{}", paths.empty() ? "text" : paths[0],
                     paths.size() > 1 ? fmt::format(" and {} more", paths.size() - 1) : "",
                     facts.corpus.members > 1 ? fmt::format(" ({} files)", with_commas(facts.corpus.members)) : "");
}

}  // namespace

std::vector<std::string> start_lines(const RunFacts& facts) {
  const auto& [data, model, optimizer, schedule, run] = facts.config;
  const CorpusSummary& corpus = facts.corpus;
  // Windows are for training or validation one by one.
  const std::string parts =
      data.window > 0 ? ""
                      : fmt::format(", {} for training, {} for validation", with_commas(corpus.train_characters),
                                    with_commas(corpus.characters - corpus.train_characters));
  std::vector<std::string> lines{
      fmt::format("charrnn_dist {}", CHARRNN_VERSION),
      fmt::format("corpus      {}: {} characters{}", corpus_text(facts), with_commas(corpus.characters), parts),
      fmt::format("vocabulary  {} symbols{}{}", with_commas(facts.symbols),
                  data.bytes       ? " (bytes)"
                  : data.lowercase ? " (lowercase)"
                                   : "",
                  share_text(facts)),
      fmt::format("model       {}, {} x {}, embedding {}, {}: {} parameters", model.model, model.layers, model.hidden,
                  model.embedding, dropout_text(model), with_commas(facts.parameters)),
      fmt::format("ranks       {} x {} thread(s) on {} of {} node(s), gradients over {}", facts.ranks, facts.threads,
                  facts.on_gpus ? "GPUs" : "CPUs", facts.hosts, facts.gradients_over),
      fmt::format("engine      {}{}", facts.engine,
                  facts.peak > 0 ? fmt::format("; matrix products at up to {:.0f} GFLOP/s", facts.peak * 1e-9) : ""),
      facts.data_shape};
  if (run.reproducible) {
    lines.push_back(fmt::format("bits        the same on 1 to {} ranks: {} micro-batches, summed in a fixed order",
                                run.micro_batches, run.micro_batches));
  }
  lines.push_back(fmt::format(
      "schedule    {}; {} epochs, {} steps{}; {}{}", schedule_text(facts), facts.epochs, with_commas(facts.total_steps),
      facts.last_step < facts.total_steps ? fmt::format(", ends at step {} (max-steps)", with_commas(facts.last_step))
                                          : "",
      optimizer.optimizer, optimizer.weight_decay > 0 ? fmt::format(", weight decay {}", optimizer.weight_decay) : ""));
  lines.push_back(fmt::format("files       {}/{}", run.run_dir, run.name));
  return lines;
}

std::string epoch_heading() {
  return "epoch     step  train loss  val loss  val bpc  learning rate   char/s  seconds";
}

std::string epoch_line(const EpochReport& report) {
  const std::string validation =
      report.val_loss ? fmt::format("{:8.4f} {:8.3f}", *report.val_loss, bits(*report.val_loss)) : "       -        -";
  return fmt::format("{:5} {:8}  {:10.4f}  {}  {:13.4g} {:>8} {:8.1f}{}", report.epoch, report.step, report.train_loss,
                     validation, report.learning_rate, rate_text(report.characters_per_second), report.seconds,
                     report.is_best ? " best" : "");
}

std::string validation_line(const ValidationReport& report) {
  return fmt::format("      {:8}              {:8.4f} {:8.3f}{}{}", report.step, report.val_loss, bits(report.val_loss),
                     report.is_best ? " best" : "", report.is_final ? ", on the whole validation part" : "");
}

std::string phases_line(const PhaseReport& report) {
  const double all = std::accumulate(report.seconds.begin(), report.seconds.end(), 0.0);
  std::vector<std::size_t> order(report.seconds.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, std::greater(), [&](std::size_t i) { return report.seconds[i]; });
  std::string text;
  for (const std::size_t i : order) {
    constexpr double kWorthTelling = 0.5;
    const double percent = 100 * report.seconds[i] / all;
    if (percent < kWorthTelling) break;
    text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", kPhaseNames[i], percent);
  }
  if (report.mfu) text += fmt::format("; training at {:.0f} % of the measured peak", 100 * *report.mfu);
  return text;
}

}  // namespace charrnn
