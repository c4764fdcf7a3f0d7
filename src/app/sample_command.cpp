// charrnn_dist sample: texts from a checkpoint; a single one is written to the terminal character by
// character.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "app/commands.hpp"
#include "app/device_choice.hpp"
#include "app/loaded_model.hpp"
#include "data/utf8.hpp"
#include "dist/topology.hpp"
#include "models/torch_runtime.hpp"
#include "sample/sampler.hpp"

namespace charrnn {

namespace {

struct SampleArguments {
  std::vector<std::string> checkpoints;
  std::string prime, device = "auto";
  std::int64_t length = 400, count = 1, seed = 1;
  SampleOptions options;
};

void write_one(const SampleArguments& arguments, Sampler& sampler) {
  std::fputs(arguments.prime.c_str(), stdout);
  for (std::int64_t i = 0; i < arguments.length; ++i) {
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

/// A core for every few texts, or for as many parameters as it can keep at hand: each character takes all of
/// them.
int threads_for(std::int64_t texts, std::int64_t parameters) {
  constexpr std::int64_t kTexts = 8, kParameters = 1 << 19;
  return static_cast<int>(std::clamp<std::int64_t>(std::max(texts / kTexts, parameters / kParameters), 1,
                                                   std::ssize(place_here().cores)));
}

void run_sample(SampleArguments& arguments) {
  require<UsageError>(arguments.length >= 0, "--length must be at least 0, not {}", arguments.length);
  require<UsageError>(arguments.count >= 1 && arguments.count <= 65'536,
                      "--count must be from 1 to 65,536, not {}", arguments.count);
  arguments.options.seed = static_cast<std::uint64_t>(arguments.seed);
  validate(arguments.options);
  configure_torch(1);  // one character at a time is too little work for more
  ThreadTeam team;
  const Device device = choose_device(arguments.device, 0, warn_on_stderr);
  std::vector<std::string> files;
  for (const std::string& path : arguments.checkpoints) {
    files.push_back(resolve_checkpoint(path, warn_on_stderr).string());
  }
  const std::vector<LoadedModel> loaded = load_ensemble(files, {.device = device, .team = team});
  team.resize(threads_for(arguments.count, loaded[0].model->layout().size()));
  std::vector<LanguageModel*> models;
  for (const LoadedModel& model : loaded) models.push_back(model.model.get());
  Sampler sampler(models, loaded[0].vocabulary, arguments.options, loaded[0].settings.window,
                  arguments.count);
  for (const char32_t character : sampler.prime(arguments.prime)) {
    warn_on_stderr(fmt::format("the model does not know the character {} of --prime", printable(character)));
  }
  if (arguments.count == 1) {
    write_one(arguments, sampler);
  } else {
    write_many(arguments, sampler);
  }
}

}  // namespace

void add_sample_command(CLI::App& app) {
  auto arguments = std::make_shared<SampleArguments>();
  CLI::App* command = app.add_subcommand("sample", "write text with a trained model");
  command
      ->add_option("--checkpoint", arguments->checkpoints,
                   "a checkpoint, or a run's folder: its newest good one; several write as an ensemble")
      ->required()
      ->expected(1, -1);
  command->add_option("--prime", arguments->prime, "text to go on from; of any length");
  command->add_option("--length", arguments->length, "characters to write")->capture_default_str();
  command
      ->add_option(
          "--count", arguments->count,
          "texts to write at once, each with random numbers of its own; faster than one after the other")
      ->capture_default_str();
  command->add_flag("--greedy", arguments->options.greedy, "always the most probable character");
  command->add_option("--temperature", arguments->options.temperature, "below 1 bolder choices are rarer")
      ->capture_default_str();
  command->add_option("--top-k", arguments->options.top_k, "only the k most probable characters; 0: all")
      ->capture_default_str();
  command
      ->add_option("--top-p", arguments->options.top_p, "only the most probable ones that reach p together")
      ->capture_default_str();
  command->add_option("--seed", arguments->seed, "seed of the choices")->capture_default_str();
  command->add_option("--device", arguments->device, "auto, cpu or cuda")->capture_default_str();
  command->footer(
      "Examples:\n"
      "  charrnn_dist sample --checkpoint runs/lstm --prime \"for thos\" --length 400\n"
      "  charrnn_dist sample --checkpoint runs/lstm/checkpoints/cycle_3.h5 --temperature 0.7 --top-p 0.95 "
      "--seed 7\n"
      "  charrnn_dist sample --checkpoint runs/lstm --greedy --length 40 --prime \"the \"\n"
      "  charrnn_dist sample --checkpoint runs/lstm --count 64 --length 1000");
  command->callback([arguments] { run_sample(*arguments); });
}

}  // namespace charrnn
