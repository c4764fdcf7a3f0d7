#include "app/corpus_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <string_view>
#include <system_error>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "data/english_tables.hpp"
#include "data/synthetic_text.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

struct CorpusCommandOptions {
  std::string output;
  std::int64_t characters = 1'000'000;
  std::uint64_t seed = 1;
  double train_fraction = 0.8;
  bool json = false;
};

/// The source's own loss on one part of the text.
struct PartLoss {
  const char* name;
  std::size_t first, last;
  double loss;
  double standard_error;
};

/// Writes all bytes and syncs them; the errno of the first step that fails, or 0. Closes `file` in any case.
int write_and_close(int file, std::string_view bytes) {
  int error = 0;
  while (!bytes.empty() && error == 0) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written >= 0)
      bytes.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      error = errno;
  }
  if (error == 0 && ::fsync(file) != 0) error = errno;
  if (::close(file) != 0 && error == 0) error = errno;
  return error;
}

/// Puts a whole file in the place of `path`: whoever reads it sees the old content or the new, never a part,
/// even after a crash. UsageError, with nothing left behind, if it cannot.
void write_file(const fs::path& path, std::string_view bytes) {
  const auto check = [&path](int error, const char* advice) {
    require<UsageError>(error == 0, "cannot write {}: {}; {}", path.string(), std::strerror(error), advice);
  };
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  require<UsageError>(path.has_filename(), "cannot write \"{}\": no file name; give --output one",
                      path.string());
  require<UsageError>(!fs::exists(status) || fs::is_regular_file(status),
                      "cannot write {}: it exists and is not a plain file; give --output a file name",
                      path.string());
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path temporary = folder / fmt::format(".{}.{}.tmp", path.filename().string(), ::getpid());
  ::unlink(temporary.c_str());  // left by a crashed process that had our number
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  check(file < 0 ? errno : 0, "give --output a file in a folder that exists and that you may write to");
  int error = write_and_close(file, bytes);
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) ::unlink(temporary.c_str());
  check(error, "make room, or give --output another folder");
  // The rename itself lasts only when its folder is on the disk. Some file systems refuse this; the file is
  // whole.
  if (const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

double bits(double nats) {
  return nats / std::numbers::ln2;
}

void print_json(const CorpusCommandOptions& options, const std::string& sha256, double rate,
                std::initializer_list<PartLoss> parts) {
  nlohmann::ordered_json out = {{"output", options.output},
                                {"characters", options.characters},
                                {"seed", options.seed},
                                {"train_fraction", options.train_fraction},
                                {"sha256", sha256},
                                {"entropy_rate_nats", rate},
                                {"entropy_rate_bits", bits(rate)}};
  for (const PartLoss& part : parts)
    out[part.name] = {{"first", part.first},
                      {"characters", part.last - part.first},
                      {"source_loss_nats", part.loss},
                      {"source_loss_bits", bits(part.loss)},
                      {"standard_error_nats", part.standard_error}};
  fmt::print("{}\n", out.dump());
}

void print_text(const CorpusCommandOptions& options, const std::string& sha256, double rate,
                std::initializer_list<PartLoss> parts) {
  fmt::print("{}: {} characters, seed {}, sha256 {}\n\n", options.output, options.characters, options.seed,
             sha256);
  fmt::print("{:<24}{:>12}{:>14}{:>16}{:>11}\n", "", "characters", "nats/char", "standard error",
             "bits/char");
  fmt::print("{:<24}{:>12}{:>14.5f}{:>16}{:>11.5f}\n", "entropy rate, exact", "", rate, "", bits(rate));
  for (const PartLoss& part : parts)
    fmt::print("{:<24}{:>12}{:>14.5f}{:>16.5f}{:>11.5f}\n", fmt::format("source, {}", part.name),
               part.last - part.first, part.loss, part.standard_error, bits(part.loss));
  fmt::print(
      "\nNo model can be expected to do better than the entropy rate. On these very characters the source "
      "that wrote\n"
      "them has the loss above: hold a model's validation loss against that. The standard error (central "
      "limit\n"
      "theorem, from the source's tables) says how far chance carries the source's loss from the entropy "
      "rate.\n");
}

void run(const CorpusCommandOptions& options) {
  const auto characters = static_cast<std::size_t>(options.characters);
  const auto train =
      static_cast<std::size_t>(std::floor(options.train_fraction * static_cast<double>(characters)));
  require<UsageError>(train > 0 && train < characters,
                      "--train-fraction {} of {} characters leaves a part empty; give one between 0 and 1",
                      options.train_fraction, characters);

  const SyntheticText source(english_tables());
  const std::string text = source.generate(options.seed, characters);
  const auto part = [&](const char* name, std::size_t first, std::size_t last) {
    return PartLoss{name, first, last, source.mean_loss(text, first, last),
                    source.standard_error(last - first)};
  };
  const auto parts = {part("train", 0, train), part("validation", train, characters)};
  Sha256 digest;
  digest.update(text.data(), text.size());
  write_file(options.output, text);
  (options.json ? print_json : print_text)(options, digest.hex(), source.entropy_rate(), parts);
}

}  // namespace

void add_corpus_command(CLI::App& app) {
  const auto options = std::make_shared<CorpusCommandOptions>();
  CLI::App* command = app.add_subcommand(
      "corpus", "Write an English-like text whose entropy is known exactly: the loss that no model can beat");
  command->add_option("--output", options->output, "File to write; one that exists is replaced")->required();
  command->add_option("--characters", options->characters, "Length of the text; a character is a byte")
      ->check(CLI::Range(std::int64_t{1'000}, std::int64_t{1'000'000'000}))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "One seed, one text, on every machine")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command
      ->add_option("--train-fraction", options->train_fraction,
                   "Where the training part ends, as in `train`; the rest is the validation part")
      ->check(CLI::Range(0.01, 0.99))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the numbers as one JSON object");
  command->footer(
      "Example:\n"
      "  charrnn_dist corpus --output corpus.txt\n"
      "  charrnn_dist train --corpus corpus.txt --run-dir runs --name trial --model gru\n"
      "The losses hold for the text as it is: train without --lowercase to compare with them.");
  command->callback([options] { run(*options); });
}

}  // namespace charrnn
