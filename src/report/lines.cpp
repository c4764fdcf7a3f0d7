#include "report/lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "base/program_version.hpp"
#include "base/text.hpp"
#include "train/schedule.hpp"

namespace charrnn {

namespace {

/// "1 epoch", "0.5 epochs", "2,000 steps".
std::string length_text(double length, const char* unit) {
  const auto whole = static_cast<std::int64_t>(length);
  const bool is_whole = static_cast<double>(whole) == length;
  return fmt::format("{} {}{}", is_whole ? with_commas(whole) : fmt::format("{}", length), unit,
                     length == 1 ? "" : "s");
}

/// "sgdr from 0.001 in cycles of 1 epoch, each 2 times as long as the one before; warm-up over 500 steps".
std::string schedule_text(const RunFacts& facts) {
  const ScheduleConfig& schedule = facts.config.schedule;
  const double rate = facts.config.optimizer.learning_rate;
  const bool in_steps = schedule.cycle_steps > 0;
  const std::string cycle = in_steps ? length_text(static_cast<double>(schedule.cycle_steps), "step")
                                     : length_text(schedule.cycle_epochs, "epoch");
  std::string text;
  if (!schedule.phases.empty()) text = fmt::format("phases {}", fmt::join(schedule.phases, ", "));
  if (schedule.schedule == "constant") text = fmt::format("constant {}", rate);
  if (schedule.schedule == "sgdr") {
    text += fmt::format("{}sgdr from {} in cycles of {}", text.empty() ? "" : ", then ", rate, cycle);
    if (schedule.cycle_mult > 1) text += fmt::format(", each {} times as long as the one before", schedule.cycle_mult);
  }
  if (schedule.schedule == "onecycle") {
    text = fmt::format("onecycle up to {} and down again over {}", rate, in_steps ? cycle : "the whole run");
  }
  if (schedule.schedule == "plateau") {
    text =
        fmt::format("plateau from {}, times {} when more than {} in a row got no better", rate, schedule.plateau_factor,
                    length_text(static_cast<double>(schedule.plateau_patience), "validation"));
  }
  if (schedule.warmup_steps > 0) {
    text += fmt::format("; warm-up over {}", length_text(static_cast<double>(schedule.warmup_steps), "step"));
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

/// "; 1,039 of 4,466 characters kept, 23.7 % of the training text and 30.8 % of the validation text unknown", or
/// nothing where all are known.
std::string share_text(const RunFacts& facts) {
  const VocabularyShare& share = facts.share;
  if (share.known == share.different) return "";
  const bool has_validation = facts.config.data.window == 0 && facts.corpus.train_characters < facts.corpus.characters;
  const auto part = [](double unknown) { return unknown == 0 ? "none" : percent_text(unknown); };
  const std::string training = part(share.unknown_training),
                    validation = has_validation ? part(share.unknown_validation) : training;
  return fmt::format(
      "; {} of {} characters kept, {} text unknown", with_commas(share.known), with_commas(share.different),
      training == validation ? training + " of the"
                             : fmt::format("{} of the training text and {} of the validation", training, validation));
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
      fmt::format("charrnn_dist {}", kProgramVersion),
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
  if (facts.hosts > 1) lines.insert(lines.end() - 2, "nodes       " + facts.ranks_of_hosts);
  if (facts.on_gpus) {
    lines.push_back("GPU         " + facts.processor + (facts.gpu_links.empty() ? "" : "; " + facts.gpu_links));
  }
  if (run.reproducible) {
    lines.push_back(fmt::format("bits        the same on 1 to {} ranks: {} micro-batches, summed in a fixed order",
                                run.micro_batches, run.micro_batches));
  }
  lines.push_back(fmt::format(
      "schedule    {}; {} epoch{}, {} steps{}; {}{}", schedule_text(facts),
      epochs_text(facts.total_steps, facts.steps_per_epoch), facts.total_steps == facts.steps_per_epoch ? "" : "s",
      with_commas(facts.total_steps),
      facts.last_step < facts.total_steps
          ? fmt::format(", ends at step {} ({})", with_commas(facts.last_step), facts.limit)
          : "",
      optimizer.optimizer, optimizer.weight_decay > 0 ? fmt::format(", weight decay {}", optimizer.weight_decay) : ""));
  lines.push_back(fmt::format("files       {}/{}", run.run_dir, run.name));
  return lines;
}

std::string epoch_heading() {
  return "epoch     step  train loss  val loss  val bpc         lr  char/s  seconds";
}

std::string epoch_line(const EpochReport& report) {
  const std::string validation =
      report.val_loss ? fmt::format("{:>8} {:>8}", loss_text(*report.val_loss), loss_text(bits(*report.val_loss), 3))
                      : "       -        -";
  return fmt::format("{:5} {:8}  {:>10}  {}  {:9.4g} {:>7} {:8.1f}{}", report.epoch, report.step,
                     loss_text(report.train_loss), validation, report.learning_rate,
                     rate_text(report.characters_per_second), report.seconds, report.is_best ? " best" : "");
}

std::string validation_line(const ValidationReport& report) {
  const std::string rate = report.learning_rate ? fmt::format("  {:9.4g}", *report.learning_rate) : "";
  return fmt::format("      {:8}  {:>10}  {:>8} {:>8}{}{}{}", report.step,
                     report.train_loss ? loss_text(*report.train_loss) : "", loss_text(report.val_loss),
                     loss_text(bits(report.val_loss), 3), rate, report.is_best ? " best" : "",
                     report.is_final ? ", on the whole validation part" : "");
}

std::string skip_line(const SkipReport& report) {
  return fmt::format("step {} is left out: its loss is {}, its gradient's norm {} ({} in a row, {} in all)",
                     with_commas(report.step), loss_text(report.loss), loss_text(report.gradient_norm), report.in_a_row,
                     with_commas(report.total));
}

std::vector<std::string> end_lines(const EndReport& report) {
  const bool has_best = report.best_val_loss.has_value();
  std::string first =
      fmt::format("{} at step {}", report.stopped_early ? "stopped early" : "done", with_commas(report.step));
  if (report.stopped_early) {
    const std::int64_t number = report.validations_since_best;
    first += fmt::format(": no better loss in {} validation{}", number, number == 1 ? "" : "s");
  }
  if (report.skipped_steps > 0) {
    first +=
        fmt::format("; {} step(s) left out, whose loss or gradient was not finite", with_commas(report.skipped_steps));
  }
  if (!has_best && report.last_val_loss) {
    first += fmt::format("; validation {}, no better than a uniform guess", loss_text(*report.last_val_loss));
  }
  if (!has_best || report.best_step == report.step || report.best_step == 0) return {first};
  const bool is_worse = report.last_val_loss && !(*report.last_val_loss <= *report.best_val_loss);
  if (is_worse) first += fmt::format("; validation {}, worse than the best", loss_text(*report.last_val_loss));
  return {first,
          fmt::format("best: step {}, validation {}", with_commas(report.best_step), loss_text(*report.best_val_loss))};
}

std::string noise_line(double columns) {
  const double unit = std::pow(10, std::max(0.0, std::floor(std::log10(columns)) - 1));  // two digits are known at best
  return fmt::format("scale of about {} columns, over the last fifty steps (docs/large_batches.md)",
                     with_commas(static_cast<std::int64_t>(std::round(columns / unit) * unit)));
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
