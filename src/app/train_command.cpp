// charrnn_dist train: puts the parts of a training run together and lets the trainer run.
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/commands.hpp"
#include "app/device_choice.hpp"
#include "app/gradient_communicator.hpp"
#include "app/job.hpp"
#include "app/loaded_model.hpp"
#include "app/options.hpp"
#include "app/run_folder.hpp"
#include "app/start_screen.hpp"
#include "app/threads.hpp"
#include "dist/agreement.hpp"
#include "models/registry.hpp"
#include "train/snapshot.hpp"
#include "train/trainer.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

/// Rank 0 plans, takes the folder and writes config.toml; every rank gets the same plan.
RunStart agree_on_start(const TrainArguments& arguments, Job& job, std::optional<Ownership>& ownership) {
  const std::string plan = on_root(job.control, [&] {
    RunStart start = plan_run(arguments, warn_on_stderr);
    start.config.data.corpus = fs::absolute(start.config.data.corpus).lexically_normal().string();
    const fs::path folder = folder_of(start.config);
    std::error_code error;
    fs::create_directories(folder, error);
    require<UsageError>(!error, "cannot make the run's folder '{}': {}", folder.string(), error.message());
    ownership.emplace(folder, warn_on_stderr);
    CheckpointStore(folder / "checkpoints").sweep();
    const std::string config = write_config(start.config);
    std::ofstream file(folder / "config.toml", std::ios::binary);
    file << config << std::flush;
    require(file.good(), "cannot write '{}'", (folder / "config.toml").string());
    if (start.checkpoint.empty()) fs::remove(folder / "samples.txt", error);
    return nlohmann::json{{"config", config}, {"checkpoint", start.checkpoint}}.dump();
  });
  const nlohmann::json json = nlohmann::json::parse(plan);
  RunStart start;
  read_config(json.at("config").get<std::string>(), "config", start.config);
  start.checkpoint = json.at("checkpoint").get<std::string>();
  return start;
}

CorpusOptions corpus_options(const DataConfig& data) {
  return {.vocabulary = {.bytes = data.bytes,
                         .full = false,
                         .lowercase = data.lowercase,
                         .min_freq = data.min_freq},
          .train_characters = data.train_characters,
          .train_fraction = data.train_fraction};
}

/// A checkpoint continues only on the text that it was trained on.
void check_corpus(const Checkpoint& checkpoint, const CorpusSummary& corpus, const std::string& path) {
  require(checkpoint.data.corpus_sha256 == corpus.sha256,
          "'{}' is not the corpus that the checkpoint was trained on: its SHA-256 is {}, that one's was {}",
          path, corpus.sha256, checkpoint.data.corpus_sha256);
}

ExitCode run_train(const TrainArguments& arguments, Job& job) {
  std::optional<Ownership> ownership;  // only on rank 0
  const RunStart start = agree_on_start(arguments, job, ownership);
  const RunConfig& config = start.config;
  const fs::path folder = folder_of(config);
  job.control.set_timeout(Seconds(config.run.timeout));

  // The text.
  std::optional<MappedFile> file;
  together(job.control, [&] { file.emplace(config.data.corpus); });
  const CorpusSummary corpus = CorpusSummary::from_json(
      on_root(job.control, [&] { return scan_corpus(*file, corpus_options(config.data)).to_json(); }));
  const Vocabulary vocabulary =
      Vocabulary::from_symbols(corpus.symbols, corpus_options(config.data).vocabulary);
  const ColumnLayout layout(0, corpus.train_characters, config.data.columns);
  const ColumnLayout validation_layout(corpus.train_characters, corpus.characters - corpus.train_characters,
                                       config.data.columns);
  const BpttSchedule windows(static_cast<std::uint64_t>(config.run.seed), layout.rows(), config.data.bptt,
                             config.data.bptt_jitter);
  require<UsageError>(job.mpi.size() <= config.data.columns,
                      "{} ranks cannot share {} columns: raise --columns or start fewer ranks",
                      job.mpi.size(), config.data.columns);
  const ColumnRange range = columns_of_rank(config.data.columns, job.mpi.rank(), job.mpi.size());
  std::optional<ColumnTokens> training, validation;
  together(job.control, [&] {
    training.emplace(*file, corpus, vocabulary, layout, range);
    if (validation_layout.rows() >= 2)
      validation.emplace(*file, corpus, vocabulary, validation_layout, range);
  });

  // The model, and where it computes.
  const Resources resources = choose_threads(config.run.threads, job);
  std::vector<std::string> notes;
  const Device device = choose_device(config.run.device, job.mpi.local_rank(),
                                      [&](const std::string& line) { notes.push_back(line); });
  const std::unique_ptr<LanguageModel> model = make_model(config.model, vocabulary.size(), device);
  std::vector<float> fresh(static_cast<std::size_t>(model->layout().size()));
  initialise(model->layout(), static_cast<std::uint64_t>(config.run.seed), fresh);
  model->load_parameters(fresh);
  Optimizer optimizer(config.optimizer, model->layout(), model->parameters(), model->gradient(), device);
  const Schedule schedule(config.schedule, config.optimizer, windows.windows_per_epoch());

  // What it starts from. Every rank reads the file: the run's folder is on a file system that all share.
  std::optional<Checkpoint> checkpoint;
  together(job.control, [&] {
    if (!start.checkpoint.empty()) {
      checkpoint = read_checkpoint(start.checkpoint);
      check_corpus(*checkpoint, corpus, config.data.corpus);
      load_weights(*model, *checkpoint);
      load_optimizer(optimizer, model->layout(), *checkpoint);
    } else if (!arguments.init_from.empty()) {
      const Checkpoint other =
          read_checkpoint(resolve_checkpoint(arguments.init_from, [](const std::string&) {}));
      require(other.vocabulary.symbols == vocabulary.symbols(),
              "the checkpoint '{}' has another vocabulary ({} symbols) than this text gives ({})",
              arguments.init_from, other.vocabulary.symbols.size(), vocabulary.size());
      load_weights(*model, other);
    }
  });

  const std::int64_t first_step = checkpoint ? checkpoint->step : 0;
  std::optional<Reporter> reporter;
  together(job.control, [&] {
    reporter.emplace(
        folder, job.mpi.rank(),
        RunLength{first_step, schedule.total_steps(), schedule.epochs(), windows.windows_per_epoch()});
  });
  const GradientCommunicator gradients(config.run.comm, device, job, Seconds(config.run.timeout));
  show_start(*reporter, {config, corpus, vocabulary, *model, schedule, windows, layout, validation_layout,
                         job, resources, gradients.name(), start.checkpoint, first_step, *training});
  for (const std::string& note : notes) reporter->info(note);

  GradientReducer reducer(gradients.communicator());
  const CheckpointStore store(folder / "checkpoints");
  Trainer trainer({config, corpus, vocabulary, schedule, windows, *training,
                   validation ? &*validation : nullptr, *model, optimizer, job.control, reducer, store,
                   ownership ? &*ownership : nullptr, *reporter, write_config(config)});
  if (checkpoint) trainer.resume(*checkpoint);
  try {
    const ExitCode code = trainer.run();
    show_end(*reporter, code, folder, trainer.step());
    return code;
  } catch (const std::exception& error) {
    reporter->log(std::string("stopped: ") + error.what());
    throw;
  }
}

}  // namespace

void add_train_command(CLI::App& app, ExitCode& outcome) {
  auto arguments = std::make_shared<TrainArguments>();
  CLI::App* command = app.add_subcommand("train", "train a model, on as many ranks as mpirun or srun starts");
  arguments->command = command;
  command->add_option("--config", arguments->config_file, "TOML file; the command line wins over it");
  CLI::Option* resume = command->add_option(
      "--resume", arguments->resume_path,
      "go on from PATH, or from the run's newest good checkpoint (a new run if it has none)");
  resume->expected(0, 1)->type_name("[PATH]");
  command->add_option("--init-from", arguments->init_from, "start a new run with this checkpoint's weights")
      ->excludes(resume);
  declare_options(*command, arguments->options);
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
    outcome = run_job([&](Job& job) { return run_train(*arguments, job); });
  });
}

}  // namespace charrnn
