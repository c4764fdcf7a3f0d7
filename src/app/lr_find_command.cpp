// charrnn_dist lr-find: a sweep over learning rates, as numbers, a picture and a suggestion.
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/options.hpp"
#include "app/training_setup.hpp"
#include "base/atomic_file.hpp"
#include "dist/agreement.hpp"
#include "report/line_chart.hpp"
#include "report/text.hpp"
#include "train/lr_finder.hpp"

namespace charrnn {

namespace {

struct LrFindArguments {
  ConfigSources sources;
  LrSweep sweep;
  std::string output = "lr_find";
};

void write_finding(const LrFindArguments& arguments, const LrFinding& finding) {
  nlohmann::ordered_json points = nlohmann::ordered_json::array();
  Curve losses{"loss", {}, true, 1}, smoothed{"smoothed", {}, false, 0};
  for (const LrPoint& point : finding.points) {
    points.push_back(
        {{"learning_rate", point.learning_rate}, {"loss", point.loss}, {"smoothed", point.smoothed}});
    // Where it explodes there is nothing to see but how high it goes.
    constexpr double kDrawn = 1.25;
    const double most = kDrawn * finding.points.front().loss;
    if (point.loss < most) losses.points.emplace_back(point.learning_rate, point.loss);
    if (point.smoothed < most) smoothed.points.emplace_back(point.learning_rate, point.smoothed);
  }
  const nlohmann::ordered_json all{
      {"suggestion", finding.suggestion}, {"diverged", finding.diverged}, {"points", points}};
  const Curve curves[] = {losses, smoothed};
  for (const auto& [ending, text] :
       {std::pair{".json", all.dump(1) + "\n"},
        std::pair{".svg", line_chart(curves, {"learning rate", "loss, nats per character", true})}}) {
    replace_file(arguments.output + ending, text);
  }
}

ExitCode run_lr_find(const LrFindArguments& arguments, const StopSignals& signals, Job& job) {
  RunConfig config;
  arguments.sources.apply(config);
  validate(config);
  const auto& [start, end, asked] = arguments.sweep;
  require<UsageError>(start > 0 && end > start && std::isfinite(end),
                      "--start and --end must be positive and rise, not {} and {}", start, end);
  require<UsageError>(asked >= 0, "--steps must be at least 0 (one epoch), not {}", asked);
  on_root(job.control, [&] {
    const std::filesystem::path folder = std::filesystem::absolute(arguments.output).parent_path();
    require<UsageError>(std::filesystem::is_directory(folder), "there is no folder '{}' for --output",
                        folder.string());
    return std::string();
  });
  job.control.set_timeout(Seconds(config.run.timeout));
  TrainingSetup setup(config, job);
  LrSweep sweep = arguments.sweep;
  if (sweep.steps == 0) sweep.steps = setup.data.training->per_epoch();
  const bool root = job.mpi.rank() == 0;
  if (root) {
    fmt::print("{} steps from {:g} to {:g} on {} rank(s)\n{:>14}  {:>8}  smoothed\n",
               with_commas(sweep.steps), start, end, job.mpi.size(), "learning rate", "loss");
  }
  constexpr std::int64_t kLines = 20;
  std::int64_t done = 0;
  PhaseClock clock;
  TrainingStep step(setup.step_parts(config, job), setup.data.training->sharding(), clock);
  const LrFinding finding = find_learning_rate(
      sweep, config.optimizer.learning_rate, *setup.model, *setup.data.training, step, signals,
      [&](const LrPoint& point) {
        if (root && done++ % std::max<std::int64_t>(1, sweep.steps / kLines) == 0) {
          fmt::print("{:14.3g}  {:8.4f}  {:8.4f}\n", point.learning_rate, point.loss, point.smoothed);
          std::fflush(stdout);
        }
      });
  on_root(job.control, [&] {
    write_finding(arguments, finding);
    return std::string();
  });
  if (root) {
    if (finding.diverged) fmt::print("ended early: the loss went up\n");
    fmt::print("wrote {0}.json and {0}.svg\nsuggestion: --learning-rate {1:.2g}\n", arguments.output,
               finding.suggestion);
  }
  return finding.stopped ? ExitCode::kInterrupted : ExitCode::kDone;
}

}  // namespace

void add_lr_find_command(CLI::App& app, ExitCode& outcome) {
  auto arguments = std::make_shared<LrFindArguments>();
  CLI::App* command = app.add_subcommand(
      "lr-find", "how the loss answers to the learning rate: a sweep, a picture, a suggestion");
  arguments->sources.declare(*command);
  command->add_option("--start", arguments->sweep.start, "first learning rate")->capture_default_str();
  command->add_option("--end", arguments->sweep.end, "last learning rate")->capture_default_str();
  command->add_option("--steps", arguments->sweep.steps, "steps of the sweep; 0: one epoch")
      ->capture_default_str();
  command->add_option("--output", arguments->output, "writes <output>.json and <output>.svg")
      ->capture_default_str();
  command->footer(
      "Takes the options of train; those of the schedule do not matter. Nothing is saved but the result.\n"
      "Examples:\n"
      "  charrnn_dist lr-find --corpus nietzsche.txt --model gru\n"
      "  mpirun -np 4 charrnn_dist lr-find --config my.toml --steps 300 --end 1 --output runs/lr");
  command->callback([arguments, &outcome] {
    const StopSignals signals;
    outcome = run_job([&](Job& job) { return run_lr_find(*arguments, signals, job); });
  });
}

}  // namespace charrnn
