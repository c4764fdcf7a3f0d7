// charrnn_dist lr-find: a sweep over learning rates, as numbers, a picture and a suggestion.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/failure.hpp"
#include "app/job.hpp"
#include "app/program.hpp"
#include "base/atomic_file.hpp"
#include "base/text.hpp"
#include "dist/agreement.hpp"
#include "train/lr_finder.hpp"
#include "train/training.hpp"

namespace charrnn {

namespace {

struct LrFindArguments {
  ConfigSources sources;
  LrSweep sweep;
  std::string output = "lr_find";
};

void write_finding(const LrFindArguments& arguments, const LrFinding& finding) {
  nlohmann::ordered_json points = nlohmann::ordered_json::array();
  for (const LrPoint& point : finding.points) {
    points.push_back({{"learning_rate", point.learning_rate}, {"loss", point.loss}, {"smoothed", point.smoothed}});
  }
  const nlohmann::ordered_json all{
      {"suggestion", finding.suggestion}, {"diverged", finding.diverged}, {"points", points}};
  replace_file(arguments.output + ".json", all.dump(1) + "\n");
}

ExitCode run_lr_find(LrFindArguments& arguments, Job& job) {
  RunConfig config;
  arguments.sources.given().apply(config);
  validate(config);
  const double start = arguments.sweep.start, end = arguments.sweep.end;
  require_option(end > start, "end", "`end` must be more than `start`, not {} and {}", end, start);
  on_root(job.control, [&] {
    const std::filesystem::path folder = std::filesystem::absolute(arguments.output).parent_path();
    require<UsageError>(std::filesystem::is_directory(folder), "there is no folder '{}' for --output", folder.string());
  });
  job.control.set_timeout(Seconds(config.run.timeout));
  const std::unique_ptr<TextSource> text = open_text(config.data.corpus);
  JobActivity activity(job);
  Training training(config, *text, job.control, activity);
  activity.clear();
  LrSweep sweep = arguments.sweep;
  if (sweep.steps == 0) sweep.steps = training.batches().per_epoch();
  const bool root = job.mpi.rank() == 0;
  if (root) {
    fmt::print("{} steps from {:g} to {:g} on {} rank(s)\n{:>14}  {:>8}  smoothed\n", with_commas(sweep.steps), start,
               end, job.mpi.size(), "learning rate", "loss");
  }
  constexpr std::int64_t kLines = 20;
  std::int64_t done = 0;
  PhaseClock clock;
  const auto step = make_training_step(training.step_parts(), training.batches().sharding(), clock);
  const LrFinding finding = find_learning_rate(
      sweep, config.optimizer.learning_rate, training.model(), training.batches(), *step,
      [&] { return job.signals.received(); },
      [&](const LrPoint& point) {
        if (root && done++ % std::max<std::int64_t>(1, sweep.steps / kLines) == 0) {
          fmt::print("{:14.3g}  {:8.4f}  {:8.4f}\n", point.learning_rate, point.loss, point.smoothed);
          std::fflush(stdout);
        }
      });
  on_root(job.control, [&] { write_finding(arguments, finding); });
  if (root) {
    if (finding.diverged) fmt::print("ended early: the loss went up\n");
    fmt::print("wrote {0}.json; draw it with: launch/plot {0}.json -o {0}.svg\n", arguments.output);
    if (finding.suggestion > 0) {
      fmt::print("suggestion: --learning-rate {:.2g}\n", finding.suggestion);
    } else {
      fmt::print("no suggestion: the sweep had fewer than two steps\n");
    }
  }
  return finding.stopped ? ExitCode::kInterrupted : ExitCode::kDone;
}

}  // namespace

Command lr_find_command() {
  auto arguments = std::make_shared<LrFindArguments>();
  LrSweep& sweep = arguments->sweep;
  Command command("lr-find", "find a learning rate: sweep over rates and make a suggestion");
  command.add_training_options(arguments->sources);
  command.add("start", &sweep.start, more_than(0), "RATE", "first learning rate");
  command.add("end", &sweep.end, more_than(0), "RATE", "last learning rate");
  command.add("steps", &sweep.steps, at_least(0), "N", "steps of the sweep; 0: one epoch");
  command.add("output", &arguments->output, {}, "NAME", "write NAME.json");
  command.explain("Takes the options of train; those of the schedule do not matter. Nothing is saved but the result.",
                  {"charrnn_dist lr-find --corpus nietzsche.txt --model gru",
                   "mpirun -np 4 charrnn_dist lr-find --config my.toml --steps 300 --end 1 --output runs/lr"});
  command.run_by([arguments] {
    return run_job([&](Job& job) { return run_lr_find(*arguments, job); }, kLowerToTrain, &arguments->sources);
  });
  return command;
}

}  // namespace charrnn
