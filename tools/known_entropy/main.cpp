// known_entropy: writes an English-like text whose entropy is known exactly, to hold a model's loss against
// the best that any model can reach.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>
#include <system_error>

#include "app/help.hpp"
#include "app/messages.hpp"
#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/sha256.hpp"
#include "known_entropy/english_tables.hpp"
#include "known_entropy/synthetic_text.hpp"
#include "report/terminal.hpp"

namespace charrnn {
namespace {

struct Arguments {
  std::string output;
  std::int64_t characters = 1'000'000;
  std::int64_t seed = 1;
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

double bits(double nats) {
  return nats / std::numbers::ln2;
}

void print_json(const Arguments& arguments, const std::string& sha256, double rate,
                std::initializer_list<PartLoss> parts) {
  nlohmann::ordered_json out = {{"output", arguments.output},
                                {"characters", arguments.characters},
                                {"seed", arguments.seed},
                                {"train_fraction", arguments.train_fraction},
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

void print_text(const Arguments& arguments, const std::string& sha256, double rate,
                std::initializer_list<PartLoss> parts) {
  fmt::print("{}: {} characters, seed {}, sha256 {}\n\n", arguments.output, arguments.characters, arguments.seed,
             sha256);
  fmt::print("{:<24}{:>12}{:>14}{:>16}{:>11}\n", "", "characters", "nats/char", "standard error", "bits/char");
  fmt::print("{:<24}{:>12}{:>14.5f}{:>16}{:>11.5f}\n", "entropy rate, exact", "", rate, "", bits(rate));
  for (const PartLoss& part : parts)
    fmt::print("{:<24}{:>12}{:>14.5f}{:>16.5f}{:>11.5f}\n", fmt::format("source, {}", part.name),
               part.last - part.first, part.loss, part.standard_error, bits(part.loss));
  fmt::print(
      "\nNo model can be expected to do better than the entropy rate. On these very characters the source\n"
      "that wrote them has the loss above: hold a model's validation loss against that. The standard error\n"
      "(central limit theorem, from the source's tables) says how far chance carries the source's loss from\n"
      "the entropy rate.\n");
}

void run(const Arguments& arguments) {
  const auto characters = static_cast<std::size_t>(arguments.characters);
  const auto train = static_cast<std::size_t>(std::floor(arguments.train_fraction * static_cast<double>(characters)));
  std::error_code ignored;
  const auto status = std::filesystem::status(arguments.output, ignored);
  // Renaming a whole file to such a name would fail on a folder, and replace a pipe or a device.
  require(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status),
          "cannot write '{}': it exists and is not a plain file; give --output a file name", arguments.output);

  const SyntheticText source(english_tables());
  const std::string text = source.generate(static_cast<std::uint64_t>(arguments.seed), characters);
  const auto part = [&](const char* name, std::size_t first, std::size_t last) {
    return PartLoss{name, first, last, source.mean_loss(text, first, last), source.standard_error(last - first)};
  };
  const auto parts = {part("train", 0, train), part("validation", train, characters)};
  Sha256 digest;
  digest.update(text.data(), text.size());
  replace_file(arguments.output, text);
  (arguments.json ? print_json : print_text)(arguments, digest.hex(), source.entropy_rate(), parts);
}

void run_command_line(const Strings& words) {
  Arguments arguments;
  Command command("known_entropy",
                  "write an English-like text whose entropy is known exactly: the loss that no model can beat");
  command.add("output", &arguments.output, {}, "FILE", "file to write; an existing one is replaced").required = true;
  command.add("characters", &arguments.characters, between(1'000, 1e9), "N",
              "length of the text; a character is a byte");
  command.add("seed", &arguments.seed, at_least(0), "N", "one seed, one text, on every machine");
  command.add("train-fraction", &arguments.train_fraction, between(0.01, 0.99), "FRACTION",
              "where the training part ends, as in charrnn_dist train; the rest is the validation part");
  command.add("json", arguments.json, "print the numbers as one JSON object");
  command.explain("The losses hold for the text as it is: train without --lowercase to compare with them.",
                  {"known_entropy --output corpus.txt",
                   "charrnn_dist train --corpus corpus.txt --run-dir runs --name trial --model gru"});
  if (std::ranges::any_of(words, [](const std::string& word) { return word == "--help" || word == "-h"; })) {
    fmt::print("{}", command_help("known_entropy", command, terminal_width()));
    return;
  }
  command.parse(words);
  run(arguments);
}

ExitCode failed(ExitCode code, const std::string& why) {
  fmt::print(stderr, "known_entropy: error: {}\n", as_flags(why));
  return code;
}

ExitCode run_tool(const Strings& words) {
  try {
    run_command_line(words);
  } catch (const Error& error) {
    return failed(error.code(), error.what());
  } catch (const std::exception& error) {
    return failed(ExitCode::kBug, fmt::format("internal error: {}", error.what()));
  }
  if (std::fflush(stdout) != 0) {
    return failed(ExitCode::kData, fmt::format("cannot write to standard output: {}", std::strerror(errno)));
  }
  return ExitCode::kDone;
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  return static_cast<int>(charrnn::run_tool({argv + 1, argv + argc}));
}
