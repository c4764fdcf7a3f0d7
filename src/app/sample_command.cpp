// charrnn_dist sample: texts from a checkpoint, written as they come, or in a dialog.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "app/checkpoint_path.hpp"
#include "app/interactive.hpp"
#include "app/messages.hpp"
#include "app/precision_note.hpp"
#include "app/program.hpp"
#include "app/threads_to_predict.hpp"
#include "app/write_texts.hpp"
#include "base/file_descriptor.hpp"
#include "base/utf8.hpp"
#include "dist/device_choice.hpp"
#include "dist/topology.hpp"
#include "models/libtorch.hpp"
#include "sample/loaded_model.hpp"

namespace charrnn {

namespace {

struct SampleArguments {
  std::vector<std::string> checkpoints;
  ConfigSources sources;
  std::string prime_file;
  TextsToWrite texts;
  std::int64_t seed = 1;
  bool interactive = false;
  SampleOptions options;
};

/// So many texts that more of them side by side would hardly be faster.
std::int64_t texts_at_once(const Device& device) {
  constexpr std::int64_t kOnGpu = 1024, kPerCore = 64;
  return device.cuda ? kOnGpu : kPerCore * threads_alone();
}

/// The whole file; "-" is standard input.
std::string read_prime_file(const std::string& path) {
  constexpr std::size_t kMostBytes = std::size_t{64} << 20;
  const FileDescriptor file(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 65'536> bytes{};
  ssize_t count = file.is_open() ? 1 : -1;
  while (count > 0 && (count = ::read(file.get(), bytes.data(), bytes.size())) > 0) {
    text.append(bytes.data(), static_cast<std::size_t>(count));
    require(text.size() <= kMostBytes,
            "'{}' is longer than the 64 MB that `prime-file` reads; give its end: tail -c 1000000", path);
  }
  require(count == 0, "cannot read '{}': {}", path, std::strerror(errno));
  return text;
}

/// Otherwise it would be waited for in vain.
void require_can_be_written(const std::string& stop, const Vocabulary& vocabulary) {
  if (vocabulary.options().bytes) return;
  for (const char32_t character : decode_text(stop, "`stop`")) {
    std::string wanted, written;
    append_utf8(wanted, character);
    if (vocabulary.knows(character)) vocabulary.append_text(written, *vocabulary.find(character));
    require_option(written == wanted, "stop", "the model never writes {} of `stop`{}", printable(character),
                   vocabulary.options().lowercase ? ": it writes lowercase" : "");
  }
}

void require_consistent(const SampleArguments& arguments) {
  require<UsageError>(!arguments.checkpoints.empty(), "sample needs the PATH of a checkpoint or of a run's folder");
  require_option(arguments.texts.prime.empty() || arguments.prime_file.empty(), "prime-file",
                 "`prime-file` takes the place of `prime`; give one of them");
  if (!arguments.interactive) return;
  require_option(arguments.texts.count == 1, "count", "`interactive` writes one text; leave `count` away");
  require_option(arguments.prime_file != "-", "prime-file",
                 "with `interactive`, standard input is for what is typed; give a file to `prime-file`");
}

void run_sample(SampleArguments& arguments) {
  require_consistent(arguments);
  TextsToWrite& texts = arguments.texts;
  arguments.options.seed = static_cast<std::uint64_t>(arguments.seed);
  ThreadTeam team;
  RunConfig config;
  arguments.sources.given().apply(config);
  const Device device = choose_device(config.run.device, 0, warn_on_stderr);
  const Precision precision = precision_named(config.run.precision);
  if (device.cuda) libtorch().round_products_to_tf32(precision == Precision::kTf32);
  std::vector<std::string> files;
  for (const std::string& path : arguments.checkpoints) {
    files.push_back(checkpoint_to_use(path));
  }
  const Compute compute{.device = device, .precision = precision, .team = team};
  const std::vector<LoadedModel> loaded = load_ensemble(files, compute);
  precision_used(loaded[0].settings.model, compute, tell_on_stderr);
  const Vocabulary& vocabulary = loaded[0].vocabulary;
  if (!arguments.prime_file.empty()) {
    texts.prime = read_prime_file(arguments.prime_file);
    if (!vocabulary.options().bytes) decode_text(texts.prime, fmt::format("'{}'", arguments.prime_file));
  }
  require_can_be_written(texts.stop, vocabulary);
  texts.at_once = std::min(texts.count, texts_at_once(device));
  team.resize(threads_to_predict(texts.at_once, loaded[0].model->layout().size()));
  std::vector<LanguageModel*> models;
  for (const LoadedModel& model : loaded) models.push_back(model.model.get());
  const auto make_sampler = [&](std::int64_t first, std::int64_t at_once) {
    return Sampler(models, vocabulary, arguments.options, loaded[0].settings.window, at_once, first);
  };
  TextOutput output;
  if (arguments.interactive) {
    Sampler sampler = make_sampler(0, 1);
    write_interactively(texts, vocabulary, sampler, output);
  } else {
    write_texts(texts, make_sampler, output);
  }
}

}  // namespace

Command sample_command() {
  auto arguments = std::make_shared<SampleArguments>();
  SampleOptions& options = arguments->options;
  TextsToWrite& texts = arguments->texts;
  Command command("sample", "write text with a trained model");
  constexpr const char* kPaths =
      "a checkpoint or .safetensors file, or the folder of a run: its best checkpoint; several write as an ensemble";
  command.add_paths("PATH", Argument::Kind::kWords, arguments->checkpoints, kPaths).value = "PATH...";
  command.add_paths("checkpoint", Argument::Kind::kList, arguments->checkpoints, "the same as PATH");
  command.add("prime", &texts.prime, {.free_text = true}, "TEXT", "text to go on from, of any length");
  command.add("prime-file", &arguments->prime_file, {}, "FILE", "the same from a file; - is standard input");
  command.add("length", &texts.length, at_least(0), "N", "characters to write");
  command.add("stop", &texts.stop, {.free_text = true}, "TEXT", "end a text once it has this in it");
  command.add("count", &texts.count, between(1, 65'536), "N",
              "texts to write, each with random numbers of its own; faster than one after the other");
  command.add("interactive", arguments->interactive,
              "type a line, and the model goes on from there; an empty line lets it go on, Ctrl-C stops its writing; "
              "Ctrl-D, or Ctrl-C while nothing is written, ends");
  command.add("greedy", options.greedy, "always the most probable character");
  command.add("temperature", &options.temperature, more_than(0), "X", "below 1: more conservative choices");
  command.add("top-k", &options.top_k, at_least(0), "K", "choose among the K most probable characters; 0: all");
  command.add("top-p", &options.top_p, {.least = 0, .most = 1, .open = true}, "P",
              "choose among the most probable characters that together reach probability P");
  command.add("seed", &arguments->seed, at_least(0), "N", "seed of the choices");
  command.add_training_options(arguments->sources, {"device", "precision"});
  command.explain("", {"charrnn_dist sample runs/lstm --prime \"for thos\" --length 400",
                       "charrnn_dist sample runs/lstm/checkpoints/cycle_3.h5 --temperature 0.7 --top-p 0.95 --seed 7",
                       "charrnn_dist sample runs/lstm --greedy --length 40 --prime \"the \"",
                       "charrnn_dist sample runs/lstm --count 64 --length 1000 --stop '.'",
                       "tail -n 20 story.txt | charrnn_dist sample runs/lstm --prime-file -",
                       "charrnn_dist sample runs/lstm --interactive --length 200"});
  command.run_by([arguments] {
    run_sample(*arguments);
    return ExitCode::kDone;
  });
  return command;
}

}  // namespace charrnn
