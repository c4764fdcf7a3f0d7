#include "app/program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "app/failure.hpp"
#include "app/job.hpp"
#include "app/messages.hpp"
#include "config/nearest.hpp"
#include "models/libtorch.hpp"
#include "report/terminal.hpp"

namespace charrnn {

namespace {

Command& find_command(Commands& commands, const std::string& name) {
  const auto found = std::ranges::find(commands, name, &Command::name);
  if (found != commands.end()) return *found;
  Strings names;
  for (const Command& command : commands) names.push_back(command.name());
  const std::string hint = did_you_mean(name, names);
  throw UsageError(fmt::format("there is no command '{}'{}", name,
                               hint.empty() ? fmt::format("; there are: {}", fmt::join(names, ", ")) : hint));
}

std::string help_of(const Command& command) {
  return command_help("charrnn_dist " + command.name(), command, terminal_width());
}

bool asks_for_help(const std::string& word) {
  return word == "-h" || word == "--help";
}

std::string help(Commands& commands, const Strings& words) {
  const bool is_general = words.empty() || words[0] == "help" || asks_for_help(words[0]);
  return is_general ? program_help(commands, terminal_width()) : help_of(find_command(commands, words[0]));
}

ExitCode run(const Strings& words) {
  require<UsageError>(!words.empty(), "which command? charrnn_dist help shows them");
  Commands commands = all_commands();
  std::string text;
  if (words[0] == "-V" || words[0] == "--version") {
    text = version_text();
  } else if (words[0] == "help" || asks_for_help(words[0])) {
    text = help(commands, {words.begin() + 1, words.end()});
  } else {
    Command& command = find_command(commands, words[0]);
    const auto end = std::ranges::find(words, "--");
    if (std::find_if(words.begin(), end, asks_for_help) == end) {
      command.parse({words.begin() + 1, words.end()});
      return command.run();
    }
    text = help_of(command);
  }
  if (launched_rank() == 0) fmt::print("{}", text);
  return ExitCode::kDone;
}

}  // namespace

Commands all_commands() {
  return {train_command(), lr_find_command(), sample_command(), eval_command(),  score_command(),
          bench_command(), inspect_command(), export_command(), serve_command(), doctor_command()};
}

ExitCode run_program(const Strings& words) {
  // The first rank speaks for all: they were given the same command line.
  const auto fail = [](const std::string& message, ExitCode code) {
    if (launched_rank() == 0) print_error(message);
    return code;
  };
  end_by_as_error();
  ExitCode outcome = ExitCode::kDone;
  try {
    if (const LibTorch* const linked = loaded_libtorch()) linked->configure(1, false);  // as where it is loaded later
    outcome = run(words);
  } catch (const Error& error) {
    outcome = fail(error.what(), error.code());
  } catch (const std::exception& error) {
    const Error known = as_error(error, kUseMore);
    outcome = fail(known.what(), known.code());
  }
  // What a command prints is its result. Training has its files, and must not end for its screen.
  const bool is_training = !words.empty() && words[0] == "train";
  std::fflush(stdout);
  if (outcome == ExitCode::kDone && !is_training && std::ferror(stdout) != 0) {  // now or before
    print_error("cannot write to standard output: was it closed, or is the disk full?");
    outcome = ExitCode::kData;
  }
  return outcome;
}

}  // namespace charrnn
