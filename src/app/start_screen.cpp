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

}  // namespace

void show_start(Reporter& reporter, const StartFacts& facts) {
  const auto& [config, setup, schedule, job, checkpoint, first_step, peak] = facts;
  const TrainingData& data = setup.data;
  const LanguageModel& model = *setup.model;
  const CorpusSummary& corpus = data.text.corpus;
  std::string parts =
      fmt::format(", {} for training, {} for validation", with_commas(corpus.train_characters),
                  with_commas(corpus.characters - corpus.train_characters));
  if (config.data.window > 0) parts.clear();  // every window is for one of them
  const std::string lines[] = {
      fmt::format("charrnn_dist {}", CHARRNN_VERSION),
      fmt::format("corpus      {}: {} characters{}", config.data.corpus, with_commas(corpus.characters),
                  parts),
      fmt::format("vocabulary  {} symbols{}, tokens of {} bits", data.vocabulary->size(),
                  config.data.bytes       ? " (bytes)"
                  : config.data.lowercase ? " (lowercase)"
                                          : "",
                  data.training->bits()),
      fmt::format("model       {}, {} x {}, embedding {}, {}: {} parameters", config.model.model,
                  config.model.layers, config.model.hidden, config.model.embedding,
                  dropout_text(config.model), with_commas(model.layout().count())),
      fmt::format("ranks       {} x {} thread(s) on {} of {} node(s), gradients over {}", job.mpi.size(),
                  setup.resources.threads, model.device().cuda ? "GPUs" : "CPUs", setup.resources.hosts,
                  setup.gradients.name()),
      fmt::format("engine      {}{}", setup.engine->description(setup.precision),
                  peak > 0 ? fmt::format("; matrix products at up to {:.0f} GFLOP/s", peak * 1e-9) : ""),
      data.shape,
      config.run.reproducible
          ? fmt::format("bits        the same on 1 to {} ranks: {} micro-batches, summed in a fixed order",
                        config.run.micro_batches, config.run.micro_batches)
          : std::string(),
      fmt::format("schedule    {}; {} epochs, {} steps; {}{}", schedule_text(facts), schedule.epochs(),
                  with_commas(schedule.total_steps()), config.optimizer.optimizer,
                  config.optimizer.weight_decay > 0
                      ? fmt::format(", weight decay {}", config.optimizer.weight_decay)
                      : ""),
      fmt::format("files       {}/{}", config.run.run_dir, config.run.name),
  };
  for (const std::string& line : lines) {
    if (!line.empty()) reporter.info(line);
  }
  if (!checkpoint.empty())
    reporter.info(fmt::format("resuming    {} at step {}", checkpoint, with_commas(first_step)));
  if (data.validation == nullptr)
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
