// The program: a command line with one subcommand for each thing to do. Errors become exit codes here.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "app/commands.hpp"
#include "app/corpus_command.hpp"
#include "app/job.hpp"
#include "data/utf8.hpp"
#include "models/torch_runtime.hpp"

using charrnn::ExitCode;

namespace {

/// The first rank speaks for all: they were given the same command line.
template <class... Args>
void print_once(fmt::format_string<Args...> format, Args&&... args) {
  if (charrnn::launched_rank() == 0) fmt::print(stderr, format, std::forward<Args>(args)...);
}

std::string unknown_command(const CLI::App& app, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* known : app.get_subcommands({})) names.push_back(known->get_name());
  return fmt::format("there is no command '{}'; there are: {}", word, fmt::join(names, ", "));
}

}  // namespace

int main(int argc, char** argv) {
  charrnn::flush_subnormal_numbers();
  CLI::App app("Character-level recurrent language models, trained on many GPUs or CPU ranks at once.",
               "charrnn_dist");
  app.set_version_flag("--version", CHARRNN_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Start with `launch/quickstart`, or: mpirun -np 2 charrnn_dist train --corpus text.txt --model gru");
  app.get_formatter()->column_width(34);
  ExitCode outcome = ExitCode::kDone;
  charrnn::add_train_command(app, outcome);
  charrnn::add_lr_find_command(app, outcome);
  charrnn::add_reproduce_command(app, outcome);
  charrnn::add_sample_command(app);
  charrnn::add_eval_command(app, outcome);
  charrnn::add_bench_command(app, outcome);
  charrnn::add_inspect_command(app);
  charrnn::add_corpus_command(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool is_help = error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success);
    if (is_help && charrnn::launched_rank() == 0) return app.exit(error);
    if (is_help) return 0;
    print_once("charrnn_dist: error: {} (see charrnn_dist --help)\n",
               app.get_subcommands().empty() && argc > 1 ? unknown_command(app, argv[1]) : error.what());
    outcome = ExitCode::kUsage;
  } catch (const charrnn::Error& error) {
    print_once("charrnn_dist: error: {}\n", charrnn::without_controls(error.what()));
    outcome = error.code();
  } catch (const std::exception& error) {
    print_once("charrnn_dist: error: this must not happen: {}\n", error.what());
    outcome = ExitCode::kBug;
  }
  // What a command prints is its result. Training has its files, and must not end for its screen.
  if (outcome == ExitCode::kDone && !app.got_subcommand("train") && std::fflush(stdout) != 0) {
    fmt::print(stderr, "charrnn_dist: error: cannot write to standard output: {}\n", std::strerror(errno));
    outcome = ExitCode::kData;
  }
  return static_cast<int>(outcome);
}
