#include "app/start_screen.hpp"

#include "report/text.hpp"

namespace charrnn {

namespace {

std::string schedule_text(const StartFacts& facts) {
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

std::string columns_text(std::int64_t columns, std::int64_t ranks) {
  const std::int64_t least = columns / ranks, most = (columns + ranks - 1) / ranks;
  return least == most ? std::to_string(least) : fmt::format("{} or {}", least, most);
}

}  // namespace

void show_start(Reporter& reporter, const StartFacts& facts) {
  const auto& [config, corpus, vocabulary, model, schedule, windows, layout, validation, job, resources,
               communicator, checkpoint, first_step, tokens] = facts;
  const std::string lines[] = {
      fmt::format("charrnn_dist {}", CHARRNN_VERSION),
      fmt::format("corpus      {}: {} characters, {} for training, {} for validation", config.data.corpus,
                  with_commas(corpus.characters), with_commas(corpus.train_characters),
                  with_commas(corpus.characters - corpus.train_characters)),
      fmt::format("vocabulary  {} symbols{}, tokens of {} bits", vocabulary.size(),
                  config.data.bytes       ? " (bytes)"
                  : config.data.lowercase ? " (lowercase)"
                                          : "",
                  tokens.bits()),
      fmt::format("model       {}, {} x {}, embedding {}, dropout {}: {} parameters", config.model.model,
                  config.model.layers, config.model.hidden, config.model.embedding, config.model.dropout,
                  with_commas(model.layout().count())),
      fmt::format("ranks       {} x {} thread(s) on {} of {} node(s), gradients over {}", job.mpi.size(),
                  resources.threads, model.device().cuda ? "GPUs" : "CPUs", resources.hosts, communicator),
      fmt::format("columns     {} of {} rows, {} per rank; {} windows of about {} an epoch", layout.columns(),
                  with_commas(layout.rows()), columns_text(layout.columns(), job.mpi.size()),
                  with_commas(windows.windows_per_epoch()), config.data.bptt),
      fmt::format("schedule    {}; {} epochs, {} steps; {}{}", schedule_text(facts), schedule.epochs(),
                  with_commas(schedule.total_steps()), config.optimizer.optimizer,
                  config.optimizer.weight_decay > 0
                      ? fmt::format(", weight decay {}", config.optimizer.weight_decay)
                      : ""),
      fmt::format("files       {}/{}", config.run.run_dir, config.run.name),
  };
  for (const std::string& line : lines) reporter.info(line);
  if (!checkpoint.empty())
    reporter.info(fmt::format("resuming    {} at step {}", checkpoint, with_commas(first_step)));
  if (validation.rows() < 2)
    reporter.warn("the text has no validation part: no validation loss, no best checkpoint");
  if (config.model.dropout > 0 && config.model.layers == 1) {
    reporter.warn("dropout acts between layers: with --layers 1 it does nothing");
  }
}

void show_end(Reporter& reporter, ExitCode code, const std::filesystem::path& folder, std::int64_t step) {
  if (code == ExitCode::kDone) {
    reporter.info(fmt::format("done at step {}; write with it: charrnn_dist sample --checkpoint {}",
                              with_commas(step), folder.string()));
  } else {
    reporter.info(
        fmt::format("stopped by a signal at step {}, all saved; go on with --resume", with_commas(step)));
  }
}

}  // namespace charrnn
