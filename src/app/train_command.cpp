// charrnn_dist train: the command line of a training run.
#include <memory>

#include "app/commands.hpp"
#include "app/options.hpp"
#include "app/training_run.hpp"

namespace charrnn {

void add_train_command(CLI::App& app, ExitCode& outcome) {
  auto arguments = std::make_shared<TrainArguments>();
  auto sources = std::make_shared<ConfigSources>();
  CLI::App* command = app.add_subcommand("train", "train a model, on as many ranks as mpirun or srun starts");
  sources->declare(*command);
  arguments->apply_given = [sources](RunConfig& config) { sources->apply(config); };
  CLI::Option* resume = command->add_option(
      "--resume", arguments->resume_path,
      "go on from PATH, or from the run's newest good checkpoint (a new run if it has none)");
  resume->expected(0, 1)->take_last()->type_name("[PATH]");
  command->add_option(
      "--init-from", arguments->init_from,
      "start a new run with this checkpoint's weights; a run that goes on (--resume) has its own");
  command->footer(
      "Sizes are the whole job's, whatever the number of ranks. Exit codes: 0 done, 2 bad usage or config, "
      "65 bad\n"
      "corpus or checkpoint, 75 interrupted (start again with --resume), 70 a bug.\n"
      "Examples:\n"
      "  charrnn_dist train --corpus nietzsche.txt --model gru --name first\n"
      "  mpirun -np 4 charrnn_dist train --config configs/lesson6/stateful_lstm_sgdr.toml --corpus "
      "nietzsche.txt\n"
      "  mpirun -np 2 charrnn_dist train --name first --resume --epochs 8");
  command->callback([arguments, resume, &outcome] {
    arguments->resume = resume->count() > 0;
    StopSignals signals;
    outcome = run_job([&](Job& job) { return run_training(*arguments, signals, job); });
  });
}

}  // namespace charrnn
