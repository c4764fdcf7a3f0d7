// charrnn_dist train: the command line of a training run.
#include <memory>

#include "app/commands.hpp"
#include "app/training_run.hpp"

namespace charrnn {

Command train_command() {
  struct Arguments {
    TrainArguments train;
    Strings resume;
  };
  auto arguments = std::make_shared<Arguments>();
  Command command("train", "train a model, on as many ranks as mpirun or srun starts");
  command.add_training_options(arguments->train.sources);
  command.add("init-from", &arguments->train.init_from, {}, "PATH",
              "start a new run with the weights of this checkpoint; a run that is resumed keeps its own");
  Argument& resume =
      command.add_paths("resume", Argument::Kind::kOptional, arguments->resume,
                        "go on from PATH, or from the run's newest good checkpoint; without any, start a new run");
  resume.take = [arguments](const Strings& words) {
    arguments->train.resume = true;
    if (!words.empty()) arguments->train.resume_path = words[0];
  };
  command.explain(
      "Sizes are those of the whole job, whatever the number of ranks. Exit codes: 0 done, 2 bad usage or config, 65 bad "
      "corpus or checkpoint, 75 interrupted (start again with `resume`), 70 a bug.",
      {"charrnn_dist train --corpus nietzsche.txt --model gru --name first",
       "mpirun -np 4 charrnn_dist train --config configs/lesson6/stateful_lstm_sgdr.toml --corpus nietzsche.txt",
       "mpirun -np 2 charrnn_dist train --name first --resume --epochs 8"});
  command.run_by([arguments] {
    StopSignals signals;
    TrainArguments& train = arguments->train;
    return run_job([&](Job& job) { return run_training(train, signals, job); }, &train.sources);
  });
  return command;
}

}  // namespace charrnn
