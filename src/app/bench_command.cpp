// charrnn_dist bench: how fast this machine trains a model, and what more ranks would bring.
#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/options.hpp"
#include "app/training_setup.hpp"
#include "base/processor.hpp"
#include "report/text.hpp"
#include "train/cost_model.hpp"
#include "train/training_step.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

struct BenchArguments {
  ConfigSources sources;
  std::int64_t steps = 30;
  std::vector<int> predict;
  bool json = false;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Median time and phases of a step with one engine.
struct StepCost {
  std::string engine;
  double seconds = 0;
  PhaseSeconds phases{};  ///< means over the steps
  double characters = 0;  ///< of a step, mean
};

StepCost time_steps(const RunConfig& config, std::int64_t steps, TrainingSetup& setup, Job& job) {
  constexpr std::int64_t kWarmUp = 3;  // the first steps make micro-kernels and fetch memory
  PhaseClock clock;
  Batches& batches = *setup.data.training;
  TrainingStep step(setup.step_parts(config, job), batches.sharding(), clock);
  BatchState state(*setup.model, batches);
  Batch batch;
  StepCost cost{std::string(setup.engine->name)};
  std::vector<double> seconds;
  PhaseSeconds before{};
  for (std::int64_t i = 0; i < kWarmUp + steps; ++i) {
    if (i == kWarmUp) before = clock.seconds();
    const std::int64_t epoch = i / batches.per_epoch(), index = i % batches.per_epoch();
    if (index == 0) state.zero();
    const auto start = Clock::now();
    {
      const PhaseScope scope(&clock, Phase::kData);
      batches.load(epoch, index, batch);
    }
    step.run(batch, state, i, 1, false);
    if (i < kWarmUp) continue;
    seconds.push_back(seconds_since(start));
    cost.characters += static_cast<double>(batch.all_targets) / static_cast<double>(steps);
  }
  const PhaseSeconds after = clock.seconds();
  for (std::size_t i = 0; i < after.size(); ++i) {
    cost.phases[i] = (after[i] - before[i]) / static_cast<double>(steps);
  }
  cost.seconds = median(std::move(seconds));
  return cost;
}

/// Median time of the gradients' all-reduce, cut to `size` floats.
double time_all_reduce(TrainingSetup& setup, std::size_t size) {
  constexpr int kRepeats = 15;
  Communicator& communicator = setup.gradients.communicator();
  std::vector<double> seconds;
  for (int i = 0; i < kRepeats; ++i) {
    communicator.barrier();
    const auto start = Clock::now();
    communicator.all_reduce_sum(setup.model->gradient().first(size));
    seconds.push_back(seconds_since(start));
  }
  return median(std::move(seconds));
}

CostModel cost_model(const StepCost& cost, const RunConfig& config, TrainingSetup& setup, Job& job) {
  const auto of = [&](Phase phase) { return cost.phases[static_cast<std::size_t>(phase)]; };
  CostModel model;
  model.per_step = of(Phase::kUpdate);
  const Sharding& sharding = setup.data.training->sharding();
  const std::int64_t columns = sharding.columns_of_rank(config.data.columns).count;
  model.per_column = (of(Phase::kData) + of(Phase::kForward) + of(Phase::kBackward) + of(Phase::kIdle)) /
                     static_cast<double>(std::max<std::int64_t>(1, columns));
  model.gradient_bytes = static_cast<double>(setup.model->gradient().size() * sizeof(float));
  if (job.mpi.size() > 1) {
    constexpr std::size_t kNearlyNothing = 16;
    model.reduce = ReduceCost::from_measured(job.mpi.size(), time_all_reduce(setup, kNearlyNothing),
                                             time_all_reduce(setup, setup.model->gradient().size()),
                                             model.gradient_bytes);
  }
  return model;
}

void print_text(const Json& result) {
  fmt::print("{}\n{} rank(s) x {} thread(s); products at up to {:.0f} GFLOP/s; {} parameters\n\n",
             result["processor"].get<std::string>(), result["ranks"].get<int>(), result["threads"].get<int>(),
             result["gflop_per_second"].get<double>(), with_commas(result["parameters"].get<std::int64_t>()));
  fmt::print("{:<8} {:>10} {:>12} {:>6}", "engine", "ms/step", "char/s", "MFU");
  for (const auto& name : kPhaseNames) {
    if (name != "other") fmt::print(" {:>9}", name);
  }
  for (const Json& engine : result["engines"]) {
    fmt::print("\n{:<8} {:10.2f} {:>12} {:>6}", engine["engine"].get<std::string>(),
               engine["milliseconds"].get<double>(),
               with_commas(static_cast<std::int64_t>(engine["characters_per_second"].get<double>())),
               engine["mfu"].is_null() ? "-" : fmt::format("{:.0f} %", 100 * engine["mfu"].get<double>()));
    for (const auto& [name, milliseconds] : engine["phases"].items()) {
      if (name != "other") fmt::print(" {:9.2f}", milliseconds.get<double>());
    }
  }
  if (result.contains("all_reduce")) {
    fmt::print("\n\nall-reduce of the gradient: {:.2f} ms; alpha {:.1f} us a message, beta {:.3f} ns a byte",
               result["all_reduce"]["milliseconds"].get<double>(),
               result["all_reduce"]["alpha"].get<double>() * 1e6,
               result["all_reduce"]["beta"].get<double>() * 1e9);
  }
  if (result.contains("predicted")) {
    fmt::print("\n\nranks  same columns: ms/step  char/s   columns grow with the ranks: ms/step  char/s");
    for (const Json& one : result["predicted"]) {
      const auto& same = one["same_columns"];
      const auto& growing = one["growing_columns"];
      fmt::print("\n{:5} {:22.2f} {:>8} {:36.2f} {:>8}", one["ranks"].get<int>(),
                 same["milliseconds"].get<double>(), rate_text(same["characters_per_second"].get<double>()),
                 growing["milliseconds"].get<double>(),
                 rate_text(growing["characters_per_second"].get<double>()));
    }
    if (!result.contains("all_reduce")) fmt::print("\n(without the all-reduce: start 2 ranks to measure it)");
  }
  fmt::print("\n");
}

Json predictions(const BenchArguments& arguments, const StepCost& cost, const RunConfig& config,
                 const CostModel& model, int ranks) {
  Json all = Json::array();
  const std::int64_t columns = config.data.columns;
  for (const int there : arguments.predict) {
    const auto at = [&](std::int64_t so_many) {
      const double seconds = model.step_seconds(so_many, there);
      const double characters = cost.characters * static_cast<double>(so_many) / static_cast<double>(columns);
      return Json{{"columns", so_many},
                  {"milliseconds", seconds * 1e3},
                  {"characters_per_second", characters / seconds}};
    };
    all.push_back(
        {{"ranks", there}, {"same_columns", at(columns)}, {"growing_columns", at(columns * there / ranks)}});
  }
  return all;
}

void check(const BenchArguments& arguments, const RunConfig& config) {
  validate(config);
  require<UsageError>(arguments.steps >= 1, "--steps must be at least 1, not {}", arguments.steps);
  for (const int ranks : arguments.predict) {
    require<UsageError>(ranks >= 1, "--predict needs numbers of ranks from 1 on, not {}", ranks);
  }
}

Json describe(const StepCost& cost, const LanguageModel& model, double peak) {
  Json phases;
  for (std::size_t p = 0; p < kPhaseNames.size(); ++p) {
    phases[std::string(kPhaseNames[p])] = cost.phases[p] * 1e3;
  }
  const double rate = cost.characters / cost.seconds;
  return {{"engine", cost.engine},
          {"milliseconds", cost.seconds * 1e3},
          {"characters_per_second", rate},
          {"mfu", peak > 0 ? Json(rate * flop_per_character(model.layout()) / peak) : Json()},
          {"phases", phases}};
}

/// The engine that was asked for, and all else there is to measure.
Json measure(const BenchArguments& arguments, const RunConfig& config, TrainingSetup& setup, Job& job) {
  const int ranks = job.mpi.size();
  const double peak_before = setup.measure_products(job);
  const StepCost cost = time_steps(config, arguments.steps, setup, job);
  const double peak = std::max(peak_before, setup.measure_products(job));
  const CostModel model = cost_model(cost, config, setup, job);
  Json result{{"processor", processor_description()},
              {"ranks", ranks},
              {"threads", setup.resources.threads},
              {"gflop_per_second", peak * 1e-9},
              {"parameters", setup.model->layout().count()},
              {"engines", Json::array({describe(cost, *setup.model, peak)})}};
  if (ranks > 1) {
    result["all_reduce"] = {{"milliseconds", model.reduce.seconds(ranks, model.gradient_bytes) * 1e3},
                            {"alpha", model.reduce.alpha},
                            {"beta", model.reduce.beta},
                            {"bytes", model.gradient_bytes}};
  }
  if (!arguments.predict.empty()) {
    result["predicted"] = predictions(arguments, cost, config, model, ranks);
  }
  return result;
}

ExitCode run_bench(const BenchArguments& arguments, Job& job) {
  RunConfig config;
  arguments.sources.apply(config);
  check(arguments, config);
  job.control.set_timeout(Seconds(config.run.timeout));
  std::vector<std::string> others;  // engines that could compute the model, too
  Json result;
  {
    TrainingSetup setup(config, job);
    for (const Engine& engine : engines()) {
      const bool is_other = config.run.engine == "auto" && engine.name != setup.engine->name;
      if (is_other && !engine.why_not(config.model, setup.device, setup.precision))
        others.emplace_back(engine.name);
    }
    result = measure(arguments, config, setup, job);
  }
  for (const std::string& engine : others) {
    config.run.engine = engine;
    TrainingSetup setup(config, job);
    const StepCost cost = time_steps(config, arguments.steps, setup, job);
    result["engines"].push_back(describe(cost, *setup.model, result["gflop_per_second"].get<double>() * 1e9));
  }
  if (job.mpi.rank() != 0) return ExitCode::kDone;
  if (arguments.json) {
    fmt::print("{}\n", result.dump());
  } else {
    print_text(result);
  }
  return ExitCode::kDone;
}

}  // namespace

void add_bench_command(CLI::App& app, ExitCode& outcome) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command =
      app.add_subcommand("bench", "how fast this machine trains a model, and what more ranks would bring");
  arguments->sources.declare(*command, "predict");
  command->add_option("--steps", arguments->steps, "steps that are timed, with each engine")
      ->capture_default_str();
  command->add_option("--predict", arguments->predict, "numbers of ranks to predict the speed for")
      ->expected(1, -1);
  command->add_flag("--json", arguments->json, "one JSON object");
  command->footer(
      "Takes the options of train; nothing is saved. Times are medians, phases means.\n"
      "Examples:\n"
      "  charrnn_dist bench --corpus nietzsche.txt --config configs/lesson6/stateful_gru.toml\n"
      "  mpirun -np 2 charrnn_dist bench --corpus big.txt --model lstm --hidden 1024 --predict 4 16 64");
  command->callback(
      [arguments, &outcome] { outcome = run_job([&](Job& job) { return run_bench(*arguments, job); }); });
}

}  // namespace charrnn
