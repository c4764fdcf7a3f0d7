#include "train/training.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/text.hpp"
#include "checkpoint/contents.hpp"
#include "config/toml.hpp"
#include "dist/agreement.hpp"
#include "dist/device_choice.hpp"
#include "dist/gpu_links.hpp"
#include "models/device_description.hpp"
#include "models/libtorch.hpp"
#include "models/product_rate.hpp"
#include "models/registry.hpp"
#include "train/init_from.hpp"
#include "train/snapshot.hpp"
#include "train/step_device.hpp"
#include "train/trainer.hpp"

namespace charrnn {

namespace {

/// What the checkpoint to begin with says of the text. Collective.
KnownText known_text(const RunConfig& config, const StartFrom& from, Communicator& control) {
  KnownText known;
  const bool resumes = !from.resume.empty();
  if (!resumes && from.init_from.empty()) return known;
  const std::filesystem::path& file = resumes ? from.resume : from.init_from;
  together(control, [&] {
    const Checkpoint described = read_checkpoint(file, Parts::kDescription);
    if (!resumes) check_fitting_options(config_of(described, file.string()), config, file.string());
    known.vocabulary = from_checkpoint(file, [&] { return vocabulary_of(described); });
    known.checkpoint = file.string();
    known.extend = !resumes && from.extend_vocabulary;
    if (resumes) known.sha256 = described.data.corpus_sha256;
  });
  return known;
}

}  // namespace

Training::Training(RunConfig config, const TextSource& text, ControlCommunicator& control, Activity& activity,
                   const StartFrom& from)
    : config_(std::move(config)),
      control_(control),
      mode_(config_.run),
      data_(load_training_data(config_, text, known_text(config_, from, control),
                               mode_.sharding(config_.data.columns, control), control, activity)),
      resources_(choose_resources(config_, mode_, control)),
      device_(choose_device(config_.run.device, control.local_rank(),
                            [&](const std::string& line) { notes_.push_back(line); })),
      precision_(precision_named(config_.run.precision)),
      model_(make_model_here()),
      gradients_(
          control.make_gradient_communicator(config_.run.comm, device_, Seconds(config_.run.timeout),
                                             [&](const std::string& line) { resources_.warnings.push_back(line); })),
      reducer_(mode_.make_reducer(*model_, data_.training->sharding(), *gradients_)),
      schedule_(config_.schedule, config_.optimizer, data_.training->per_epoch()),
      state_(*model_, *data_.training) {
  if (!data_.text.corpus.left_out.empty()) add_note("left out of the corpus: " + data_.text.corpus.left_out);
  position_.progress.best_val_loss = std::numeric_limits<double>::infinity();
  std::vector<float> fresh(static_cast<std::size_t>(model_->layout().size()));
  initialise(model_->layout(), static_cast<std::uint64_t>(config_.run.seed), fresh);
  model_->load_parameters(fresh);
  optimizer_ = make_optimizer(config_.optimizer, *model_, team_);
#ifdef CHARRNN_CUDA
  if (device_.cuda) step_device_ = make_cuda_step_device();
#endif
  start_average();
  if (config_.run.noise_scale) noise_.emplace(*model_);
  // Every rank reads the file: the run's folder is on a file system that all share.
  together(control_, [&] {
    if (!from.resume.empty()) {
      resume(from.resume);
    } else if (!from.init_from.empty()) {
      init_from(from.init_from);
    }
  });
  unknown_advice_ = fmt::format("; lower `min-freq` ({}), or use `full-vocabulary` or `bytes`", config_.data.min_freq);
  if (from.resume.empty() && !from.init_from.empty()) tell_vocabulary(from);
  require_option(
      config_.schedule.schedule != "plateau" || data_.validation != nullptr, "schedule",
      "`schedule` plateau goes by validation losses, and the text has no validation part: it is too short, or "
      "all for training");
  require_option(
      config_.optimizer.patience == 0 || data_.validation != nullptr, "patience",
      "`patience` goes by validation losses, and the text has no validation part: it is too short, or all for "
      "training");
}

Training::~Training() = default;

std::unique_ptr<LanguageModel> Training::make_model_here() {
  const Compute compute{device_, config_.run.engine, precision_, team_};
  engine_ = &find_engine(config_.model, compute);
  libtorch();  // every engine trains with its products; without it, training is refused here
  engine_->set_threads(resources_.choice.threads, mode_.is_reproducible(), compute);
  return engine_->make(config_.model, data_.vocabulary->size(), compute);
}

std::vector<std::string> Training::other_engines() const {
  std::vector<std::string> others;
  for (const Engine& engine : engines()) {
    const bool can = !engine.why_not(config_.model, device_, precision_);
    if (can && engine.name != engine_->name) others.emplace_back(engine.name);
  }
  return others;
}

void Training::init_from(const std::filesystem::path& file) {
  const Checkpoint other = read_checkpoint(file, Parts::kModel, [&](const Checkpoint& described) {
    return parameter_layout(config_.model, std::ssize(described.vocabulary.symbols));
  });
  std::vector<float> flat = model_->store_parameters();
  put_weights(model_->layout(), other.model, flat);
  model_->load_parameters(flat);
  start_average();
}

/// Which run's vocabulary this is; the start lines say how much of the text it knows.
void Training::tell_vocabulary(const StartFrom& from) {
  unknown_advice_ = from.extend_vocabulary ? "" : "; add them with `extend-vocabulary`";
  const std::string added = fmt::format(", with {} new symbols", data_.new_symbols);
  notes_.push_back(
      fmt::format("weights and vocabulary of {}{}", from.init_from.string(), from.extend_vocabulary ? added : ""));
}

void Training::resume(const std::filesystem::path& file) {
  const Checkpoint checkpoint = read_checkpoint(file, Parts::kAll, [&](const Checkpoint& described) {
    require(described.data.columns == config_.data.columns, "the checkpoint '{}' is of {} columns, the run of {}",
            file.string(), described.data.columns, config_.data.columns);
    return model_->layout();
  });
  from_checkpoint(file, [&] { resume(checkpoint); });
}

void Training::resume(const Checkpoint& checkpoint) {
  check_same_text(data_.text, checkpoint.data.corpus_sha256);
  require(checkpoint.vocabulary.symbols == data_.vocabulary->symbols(),
          "the checkpoint has another vocabulary ({} symbols) than the text ({})", checkpoint.vocabulary.symbols.size(),
          data_.vocabulary->size());
  position_ = position_of(checkpoint, *data_.training);
  if (state_.is_carried()) {
    load_hidden(state_.carried(), data_.training->sharding(), config_.data.columns, checkpoint.hidden);
  }
  load_optimizer(*optimizer_, model_->layout(), checkpoint);
  load_weights(*model_, checkpoint);
  start_average();
  load_trained(*model_, checkpoint);
  resumed_ = checkpoint;  // its header
}

/// From the weights that are in the model.
void Training::start_average() {
  if (config_.optimizer.weight_average > 0) average_.emplace(*model_, config_.optimizer.weight_average);
}

StepParts Training::step_parts() {
  return {.model = *model_,
          .optimizer = *optimizer_,
          .reducer = *reducer_,
          .control = control_,
          .team = team_,
          .seed = config_.run.seed,
          .clip_norm = config_.optimizer.clip_norm,
          .device = step_device_.get(),
          .noise = noise_ ? &*noise_ : nullptr};
}

void Training::queue_steps(std::unique_ptr<StepDevice> device) {
  step_device_ = std::move(device);
}

double Training::measure_products() {
  ThreadTeam all(resources_.choice.threads);  // the model's has none where LibTorch runs it
  control_.barrier();
  std::array<double, 1> rate{device_.cuda ? 0 : measure_product_rate(precision_, all)};
  control_.all_reduce_sum(rate);
  return rate[0];
}

RunFacts Training::facts(double peak) const {
  return {.config = config_,
          .config_text = write_toml(config_),
          .corpus = data_.text.corpus,
          .data_shape = data_.shape,
          .symbols = data_.vocabulary->size(),
          .parameters = model_->layout().count(),
          .share = data_.text.corpus.share(*data_.vocabulary),
          .ranks = control_.size(),
          .threads = resources_.choice.threads,
          .hosts = resources_.hosts,
          .ranks_of_hosts = resources_.ranks_of_hosts,
          .on_gpus = device_.cuda,
          .processor = device_description(device_),
          .gpu_links = device_.cuda ? links_text(gpu_links_here()) : "",
          .engine = engine_->description(precision_, device_),
          .gradients_over = gradients_->name(),
          .peak = peak,
          .steps_per_epoch = data_.training->per_epoch(),
          .total_steps = schedule_.total_steps(),
          .first_step = first_step(),
          .last_step = schedule_.last_step(),
          .limit = schedule_.limit()};
}

std::string Training::nothing_left() const {
  const std::int64_t per_epoch = data_.training->per_epoch(), last = schedule_.last_step();
  const bool is_open = position_.batches_done == per_epoch;  // an epoch whose end is still to come
  if (first_step() < last || is_open || position_.lacks_closing_validation(last)) return "";
  return fmt::format(
      "nothing is left to do: the run is at step {}, that is {} epochs, and `{}` {} {} it; a larger "
      "number trains on",
      with_commas(first_step()), epochs_text(first_step(), per_epoch), schedule_.limit(),
      length_text(last, per_epoch, schedule_.limit()), first_step() == last ? "ends" : "would have ended");
}

TrainOutcome Training::run(std::span<TrainObserver* const> all_observers, const std::shared_ptr<CheckpointSink>& sink) {
  Observers observers(all_observers);
  const double peak = measure_products();

  const RunFacts known = facts(peak);
  together(control_, [&] {
    observers.rewind(first_step());
    observers.on_start(known);
  });
  for (const std::string& note : notes_) observers.on_message(Severity::kNote, note);
  if (const auto& [threads, reason] = resources_.choice; !reason.empty()) {
    observers.on_message(Severity::kNote, fmt::format("threads     {} per rank, because of {}", threads, reason));
  }
  const auto warn = [&](const std::string& line) { observers.on_message(Severity::kWarning, line); };
  const double unknown = std::max(known.share.unknown_training, known.share.unknown_validation);
  if (unknown >= kLargeUnknownShare) {
    warn(fmt::format(
        "{} of the text is unknown: these characters all become one symbol, <unk>, which is so easy to predict "
        "that losses look better than they are{}",
        percent_text(unknown), unknown_advice_));
  }
  if (data_.validation == nullptr) warn("the text has no validation part: no validation loss, no best checkpoint");
  if (config_.model.dropout > 0 && config_.model.layers == 1) {
    warn("dropout acts between layers: with `layers` 1 it does nothing");
  }
  for (const std::string& line : resources_.warnings) warn(line);
  if (const std::string nothing = nothing_left(); !nothing.empty()) {
    warn(nothing);
  } else if (const auto cut_off = schedule_.cut_off())
    observers.on_message(Severity::kNote, *cut_off);
  for (const std::string& doubt : mode_.doubts(known.processor, resumed_ ? &*resumed_ : nullptr, control_)) {
    warn(doubt);
  }

  WeightAverage* const average = average_ ? &*average_ : nullptr;
  Validator validator(*model_, data_.validation.get(), average, control_, config_.run.validate_characters);
  const SnapshotMaker snapshots{config_, known.config_text, data_.text.corpus, *data_.vocabulary,
                                *model_, *optimizer_,       average,           control_};
  Trainer trainer({config_, schedule_, *data_.training, *data_.vocabulary, step_parts(), average, validator, snapshots,
                   control_, observers, sink, peak},
                  position_, state_);
  return trainer.run();
}

TrainOutcome Training::run(const RunConfig& config, const TextSource& text, ControlCommunicator& control,
                           std::span<TrainObserver* const> observers) {
  Activity reading;
  return Training(config, text, control, reading).run(observers, nullptr);
}

}  // namespace charrnn
