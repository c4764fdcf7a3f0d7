// charrnn_dist bench: how fast this machine trains a model, and what more ranks would bring.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/failure.hpp"
#include "app/job.hpp"
#include "app/program.hpp"
#include "app/step_cost.hpp"
#include "base/text.hpp"
#include "models/device_description.hpp"

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;

struct BenchArguments {
  ConfigSources sources;
  std::int64_t steps = 30;
  Integers predict_ranks;
  bool json = false;
};

void print_text(const Json& result) {
  fmt::print("{}\n{} rank(s) x {} thread(s); products at up to {:.0f} GFLOP/s; {} parameters\n\n",
             result["processor"].get<std::string>(), result["ranks"].get<int>(), result["threads"].get<int>(),
             result["gflop_per_second"].get<double>(), with_commas(result["parameters"].get<std::int64_t>()));
  fmt::print("{:<10} {:>10} {:>12} {:>6}", "engine", "ms/step", "char/s", "MFU");
  for (const auto& name : kStepPhases) {
    if (name != "other") fmt::print(" {:>9}", name);
  }
  for (const Json& engine : result["engines"]) {
    fmt::print("\n{:<10} {:10.2f} {:>12} {:>6}", engine["engine"].get<std::string>(),
               engine["milliseconds"].get<double>(),
               with_commas(static_cast<std::int64_t>(engine["characters_per_second"].get<double>())),
               engine["mfu"].is_null() ? "-" : fmt::format("{:.0f} %", 100 * engine["mfu"].get<double>()));
    for (const auto& [name, milliseconds] : engine["phases"].items()) {
      if (name != "other") fmt::print(" {:9.2f}", milliseconds.get<double>());
    }
  }
  if (result.contains("all_reduce")) {
    fmt::print("\n\nall-reduce of the gradient over {}: {:.2f} ms; alpha {:.1f} us a message, beta {:.3f} ns a byte",
               result["all_reduce"]["over"].get<std::string>(), result["all_reduce"]["milliseconds"].get<double>(),
               result["all_reduce"]["alpha"].get<double>() * 1e6, result["all_reduce"]["beta"].get<double>() * 1e9);
  }
  if (result.contains("predicted")) {
    fmt::print("\n\nranks  same columns: ms/step  char/s   columns grow with the ranks: ms/step  char/s");
    for (const Json& one : result["predicted"]) {
      const auto& same = one["same_columns"];
      const auto& growing = one["growing_columns"];
      fmt::print("\n{:5} {:22.2f} {:>8} {:36.2f} {:>8}", one["ranks"].get<int>(), same["milliseconds"].get<double>(),
                 rate_text(same["characters_per_second"].get<double>()), growing["milliseconds"].get<double>(),
                 rate_text(growing["characters_per_second"].get<double>()));
    }
    if (!result.contains("all_reduce")) fmt::print("\n(without the all-reduce: start 2 ranks to measure it)");
  }
  fmt::print("\n");
}

/// Predictions from the step that was measured, with `cost`, and from one with as few columns a rank as they are about.
Json predictions(const BenchArguments& arguments, const StepCost& cost, Training& training, const ReduceCost& reduce,
                 const TextSource& text, Job& job) {
  const int ranks = training.gradients().size();
  const std::int64_t columns = training.config().data.columns;
  const ColumnTime many = column_time(cost, training);
  RunConfig config = training.config();
  config.run.engine = cost.engine;
  config.data.columns = ranks * std::clamp<std::int64_t>(columns / std::ranges::max(arguments.predict_ranks), 1,
                                                         std::max<std::int64_t>(1, many.columns / 2));
  ColumnTime few = many;
  if (config.data.columns < columns) {
    JobActivity activity(job);
    Training smaller(config, text, job.control, activity);
    activity.clear();
    few = column_time(time_steps(arguments.steps, smaller, job), smaller);
  }
  const CostModel model{.per_update = cost.of(Phase::kUpdate),
                        .columns = ColumnCost::from_measured(many.columns, many.seconds, few.columns, few.seconds),
                        .reduce = reduce,
                        .gradient_bytes = static_cast<double>(training.model().gradient().size_bytes())};
  Json all = Json::array();
  for (const std::int64_t asked : arguments.predict_ranks) {
    const int there = static_cast<int>(asked);
    const auto at = [&](std::int64_t of_them) {
      const double seconds = model.step_seconds(of_them, there);
      const double characters = cost.characters * static_cast<double>(of_them) / static_cast<double>(columns);
      return Json{
          {"columns", of_them}, {"milliseconds", seconds * 1e3}, {"characters_per_second", characters / seconds}};
    };
    all.push_back({{"ranks", there}, {"same_columns", at(columns)}, {"growing_columns", at(columns * there / ranks)}});
  }
  return {{"predicted_from", Json::array({{{"columns", many.columns}, {"milliseconds", many.seconds * 1e3}},
                                          {{"columns", few.columns}, {"milliseconds", few.seconds * 1e3}}})},
          {"predicted", std::move(all)}};
}

Json describe(const StepCost& cost, const LanguageModel& model, double peak) {
  Json phases;
  for (std::size_t p = 0; p < kStepPhases.size(); ++p) {
    phases[std::string(kStepPhases[p])] = cost.phases[p] * 1e3;
  }
  const double rate = cost.characters / cost.seconds;
  return {{"engine", cost.engine},
          {"milliseconds", cost.seconds * 1e3},
          {"characters_per_second", rate},
          {"mfu", peak > 0 ? Json(rate * flop_per_character(model.layout()) / peak) : Json()},
          {"phases", phases}};
}

/// Times the engine of `training` and, on several ranks, the all-reduce.
Json measure(const BenchArguments& arguments, Training& training, const TextSource& text, Job& job) {
  const int ranks = training.gradients().size();
  const double peak_before = training.measure_products();
  const StepCost cost = time_steps(arguments.steps, training, job);
  const double peak = std::max(peak_before, training.measure_products());
  const ReduceCost reduce = ranks > 1 ? reduce_cost(training) : ReduceCost();
  Json result{{"processor", device_description(training.model().device())},
              {"ranks", ranks},
              {"threads", training.resources().choice.threads},
              {"gflop_per_second", peak * 1e-9},
              {"parameters", training.model().layout().count()},
              {"engines", Json::array({describe(cost, training.model(), peak)})}};
  if (ranks > 1) {
    const auto bytes = static_cast<double>(training.model().gradient().size_bytes());
    result["all_reduce"] = {{"over", training.gradients().name()},
                            {"milliseconds", reduce.seconds(ranks, bytes) * 1e3},
                            {"alpha", reduce.alpha},
                            {"beta", reduce.beta},
                            {"bytes", bytes}};
  }
  if (!arguments.predict_ranks.empty()) {
    result.update(predictions(arguments, cost, training, reduce, text, job));
  }
  return result;
}

ExitCode run_bench(BenchArguments& arguments, Job& job) {
  RunConfig config;
  arguments.sources.given().apply(config);
  validate(config);
  job.control.set_timeout(Seconds(config.run.timeout));
  const std::unique_ptr<TextSource> text = open_text(config.data.corpus);
  JobActivity activity(job);
  std::vector<std::string> others;  // that could compute the model as well
  Json result;
  {
    Training training(config, *text, job.control, activity);
    activity.clear();
    if (config.run.engine == "auto") others = training.other_engines();
    result = measure(arguments, training, *text, job);
  }
  for (const std::string& engine : others) {
    config.run.engine = engine;
    Training training(config, *text, job.control, activity);
    activity.clear();
    const StepCost cost = time_steps(arguments.steps, training, job);
    result["engines"].push_back(describe(cost, training.model(), result["gflop_per_second"].get<double>() * 1e9));
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

Command bench_command() {
  auto arguments = std::make_shared<BenchArguments>();
  Command command("bench", "measure how fast this machine trains a model, and predict what more ranks would bring");
  command.add_training_options(arguments->sources);
  command.add("steps", &arguments->steps, at_least(1), "N", "steps to time, with each engine");
  Argument& ranks = command.add("predict-ranks", &arguments->predict_ranks, between(1, 1e6), "N",
                                "predict the speed on these numbers of ranks");
  command.add("json", arguments->json, "print one JSON object");
  // Until version 0.4 numbers of ranks were given as --predict 8 64.
  Argument& predict = command.argument("predict");
  predict.kind = Argument::Kind::kList;
  predict.take = [data_option = predict.take, ranks_option = ranks.take](const Strings& words) {
    const bool is_number = words.empty() || words[0].find_first_not_of("0123456789,-") == std::string::npos;
    (is_number ? ranks_option : data_option)(words);
  };
  command.explain(
      "Takes the options of train; nothing is saved. Times are medians, phases means.",
      {"charrnn_dist bench --corpus nietzsche.txt --config configs/lesson6/stateful_gru.toml",
       "mpirun -np 2 charrnn_dist bench --corpus big.txt --model lstm --hidden 1024 --predict-ranks 4 16 64"});
  command.run_by([arguments] {
    return run_job([&](Job& job) { return run_bench(*arguments, job); }, kLowerToTrain, &arguments->sources);
  });
  return command;
}

}  // namespace charrnn
