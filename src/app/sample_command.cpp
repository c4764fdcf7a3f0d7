// charrnn_dist sample: texts from a checkpoint; a single one is written to the terminal character by
// character.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "app/checkpoint_path.hpp"
#include "app/messages.hpp"
#include "app/program.hpp"
#include "base/utf8.hpp"
#include "dist/device_choice.hpp"
#include "dist/topology.hpp"
#include "models/torch_runtime.hpp"
#include "sample/loaded_model.hpp"
#include "sample/sampler.hpp"

namespace charrnn {

namespace {

struct SampleArguments {
  std::vector<std::string> checkpoints;
  ConfigSources sources;
  std::string prime;
  std::int64_t length = 400, count = 1, seed = 1;
  SampleOptions options;
};

void write_one(const SampleArguments& arguments, Sampler& sampler) {
  std::fputs(arguments.prime.c_str(), stdout);
  // Not for nobody: where a terminal is gone, no signal says so.
  for (std::int64_t i = 0; i < arguments.length && std::ferror(stdout) == 0; ++i) {
    const std::string& text = sampler.next()[0];
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  }
  std::fputc('\n', stdout);
}

/// All are written at once, so they are shown when they are done.
void write_many(const SampleArguments& arguments, Sampler& sampler) {
  std::vector<std::string> texts(static_cast<std::size_t>(arguments.count), arguments.prime);
  for (std::int64_t i = 0; i < arguments.length; ++i) {
    const std::vector<std::string>& next = sampler.next();
    for (std::size_t text = 0; text < texts.size(); ++text) texts[text] += next[text];
  }
  for (std::size_t text = 0; text < texts.size(); ++text) {
    fmt::print("--- {} of {} ---\n{}\n", text + 1, texts.size(), texts[text]);
  }
}

/// A core for every few texts, or for as many parameters as its cache holds: every character takes all parameters.
int threads_for(std::int64_t texts, std::int64_t parameters) {
  constexpr std::int64_t kTexts = 8, kParameters = 1 << 19;
  return static_cast<int>(
      std::clamp<std::int64_t>(std::max(texts / kTexts, parameters / kParameters), 1, threads_alone()));
}

void run_sample(SampleArguments& arguments) {
  require<UsageError>(!arguments.checkpoints.empty(), "sample needs the PATH of a checkpoint or of a run's folder");
  arguments.options.seed = static_cast<std::uint64_t>(arguments.seed);
  configure_torch(1);  // one character at a time is too little work for more
  ThreadTeam team;
  RunConfig config;
  arguments.sources.given().apply(config);
  const Device device = choose_device(config.run.device, 0, warn_on_stderr);
  std::vector<std::string> files;
  for (const std::string& path : arguments.checkpoints) {
    files.push_back(checkpoint_to_use(path));
  }
  const std::vector<LoadedModel> loaded = load_ensemble(files, {.device = device, .team = team});
  team.resize(threads_for(arguments.count, loaded[0].model->layout().size()));
  std::vector<LanguageModel*> models;
  for (const LoadedModel& model : loaded) models.push_back(model.model.get());
  Sampler sampler(models, loaded[0].vocabulary, arguments.options, loaded[0].settings.window, arguments.count);
  Strings unknown;
  for (const char32_t character : sampler.prime(arguments.prime)) unknown.push_back(printable(character));
  if (!unknown.empty()) {
    warn_on_stderr(fmt::format("the model does not know these characters of `prime`: {}", fmt::join(unknown, ", ")));
  }
  if (arguments.count == 1) {
    write_one(arguments, sampler);
  } else {
    write_many(arguments, sampler);
  }
}

}  // namespace

Command sample_command() {
  auto arguments = std::make_shared<SampleArguments>();
  SampleOptions& options = arguments->options;
  Command command("sample", "write text with a trained model");
  constexpr const char* kPaths = "a checkpoint, or the folder of a run: its best one; several write as an ensemble";
  command.add_paths("PATH", Argument::Kind::kWords, arguments->checkpoints, kPaths);
  command.add_paths("checkpoint", Argument::Kind::kList, arguments->checkpoints, "the same as PATH");
  command.add("prime", &arguments->prime, {.free_text = true}, "TEXT", "text to go on from, of any length");
  command.add("length", &arguments->length, at_least(0), "N", "characters to write");
  command.add("count", &arguments->count, between(1, 65'536), "N",
              "texts to write at once, each with random numbers of its own; faster than one after the other");
  command.add("greedy", options.greedy, "always the most probable character");
  command.add("temperature", &options.temperature, more_than(0), "X", "below 1: more conservative choices");
  command.add("top-k", &options.top_k, at_least(0), "K", "choose among the K most probable characters; 0: all");
  command.add("top-p", &options.top_p, {.least = 0, .most = 1, .open = true}, "P",
              "choose among the most probable characters that together reach probability P");
  command.add("seed", &arguments->seed, at_least(0), "N", "seed of the choices");
  command.add_training_options(arguments->sources, {"device"});
  command.explain("", {"charrnn_dist sample runs/lstm --prime \"for thos\" --length 400",
                       "charrnn_dist sample runs/lstm/checkpoints/cycle_3.h5 --temperature 0.7 --top-p 0.95 --seed 7",
                       "charrnn_dist sample runs/lstm --greedy --length 40 --prime \"the \"",
                       "charrnn_dist sample runs/lstm --count 64 --length 1000"});
  command.run_by([arguments] {
    run_sample(*arguments);
    return ExitCode::kDone;
  });
  return command;
}

}  // namespace charrnn
