#include "train/snapshot.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/error.hpp"
#include "base/program_version.hpp"
#include "checkpoint/contents.hpp"
#include "models/device_description.hpp"
#include "models/registry.hpp"

namespace charrnn {

namespace {

/// Copies columns between [layers, columns, hidden] buffers with different numbers of columns.
void copy_columns(std::span<const float> from, std::int64_t from_columns, std::int64_t from_first, std::span<float> to,
                  std::int64_t to_columns, std::int64_t to_first, std::int64_t count, std::int64_t layers,
                  std::int64_t hidden) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    std::copy_n(from.begin() + (layer * from_columns + from_first) * hidden, count * hidden,
                to.begin() + (layer * to_columns + to_first) * hidden);
  }
}

std::vector<float> join_buffer(const ParameterLayout& layout, const Checkpoint& checkpoint, const std::string& name) {
  const auto buffer = std::ranges::find(checkpoint.optimizer, name, &Checkpoint::OptimizerBuffer::name);
  require(buffer != checkpoint.optimizer.end(), "the checkpoint lacks /optimizer/{}", name);
  return join_tensors(layout, buffer->tensors, "/optimizer/" + name);
}

}  // namespace

std::vector<NamedTensor> gather_hidden(const MicroBatchStates& states, const Sharding& sharding, std::int64_t columns,
                                       Communicator& control) {
  const bool root = control.rank() == 0;
  std::vector<NamedTensor> all;
  const std::vector<StateSpec>& specs = states.front()->specs();
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto& [name, layers, width] = specs[i];
    const std::int64_t per_column = layers * width;
    std::vector<std::int64_t> counts;
    for (int rank = 0; rank < control.size(); ++rank) {
      const Sharding of_rank(sharding.micro_batches, rank, control.size());
      counts.push_back(of_rank.columns_of_rank(columns).count * per_column);
    }
    std::vector<float> mine;  // one micro-batch after the other, each [layers, columns, width]
    for (const auto& state : states) {
      mine.resize(mine.size() + state->size(i));
      state->store(i, std::span(mine).last(state->size(i)));
    }
    NamedTensor& tensor = all.emplace_back(NamedTensor{name, {layers, columns, width}, {}});
    std::vector<float> gathered(static_cast<std::size_t>(root ? columns * per_column : 0));
    control.gather(mine, gathered, counts, 0);
    tensor.values.resize(gathered.size());
    for (std::int64_t number = 0; root && number < sharding.micro_batches; ++number) {
      const Range range = sharding.columns_of_micro_batch(columns, number);
      const auto from = std::span(gathered).subspan(static_cast<std::size_t>(range.first * per_column));
      copy_columns(from, range.count, 0, tensor.values, columns, range.first, range.count, layers, width);
    }
  }
  return all;
}

void load_hidden(const MicroBatchStates& states, const Sharding& sharding, std::int64_t columns,
                 const std::vector<NamedTensor>& all) {
  for (std::size_t number = 0; number < states.size(); ++number) {
    HiddenState& state = *states[number];
    const Range range =
        sharding.columns_of_micro_batch(columns, sharding.mine.first + static_cast<std::int64_t>(number));
    for (std::size_t i = 0; i < state.specs().size(); ++i) {
      const auto& [name, layers, width] = state.specs()[i];
      const NamedTensor& tensor = find_tensor(all, name, {layers, columns, width}, "/hidden");
      std::vector<float> mine(state.size(i));
      copy_columns(tensor.values, columns, range.first, mine, range.count, 0, range.count, layers, width);
      state.load(i, mine);
    }
  }
}

void take(const LanguageModel& model, const Optimizer& optimizer, const WeightAverage* average,
          Checkpoint& checkpoint) {
  checkpoint.arch = find_cell(model.config().model).name;
  if (average != nullptr) cut_tensors(model.layout(), average->store(), checkpoint.trained);
  cut_tensors(model.layout(), model.store_parameters(), checkpoint.model);
  checkpoint.optimizer.resize(optimizer.buffers().size());
  for (std::size_t i = 0; i < checkpoint.optimizer.size(); ++i) {
    checkpoint.optimizer[i].name = optimizer.buffers()[i];
    cut_tensors(model.layout(), optimizer.store(i), checkpoint.optimizer[i].tensors);
  }
  checkpoint.optimizer_step = optimizer.steps();
  checkpoint.groups.clear();
  for (const ParameterGroup& group : optimizer.groups()) {
    checkpoint.groups.push_back({group.match, group.learning_rate, group.weight_decay});
  }
}

void load_optimizer(Optimizer& optimizer, const ParameterLayout& layout, const Checkpoint& checkpoint) {
  for (std::size_t i = 0; i < optimizer.buffers().size(); ++i) {
    optimizer.load(i, join_buffer(layout, checkpoint, optimizer.buffers()[i]));
  }
  optimizer.set_steps(checkpoint.optimizer_step);
}

std::vector<float> mean_square_of_gradients(const ParameterLayout& layout, const Checkpoint& checkpoint, double beta2) {
  std::vector<float> flat = join_buffer(layout, checkpoint, "exp_avg_sq");
  const double weight = 1 - std::pow(beta2, static_cast<double>(checkpoint.optimizer_step));
  for (float& value : flat) value = static_cast<float>(value / weight);
  return flat;
}

void load_trained(LanguageModel& model, const Checkpoint& checkpoint) {
  if (checkpoint.trained.empty()) return;
  model.load_parameters(join_tensors(model.layout(), checkpoint.trained, "/optimizer/parameters"));
}

RunPosition position_of(const Checkpoint& checkpoint, Batches& batches) {
  RunPosition position{.step = checkpoint.step,
                       .history = checkpoint.history,
                       .validations = checkpoint.validations,
                       .progress = checkpoint.progress};
  // At an epoch's last step the row tells whether the epoch was closed.
  const std::int64_t per_epoch = batches.per_epoch();
  if (checkpoint.data.row != 0) position.batches_done = (position.step - 1) % per_epoch + 1;
  position.epoch = (position.step - (position.batches_done == per_epoch ? 1 : 0)) / per_epoch;
  position.row = batches.position(position.epoch, position.batches_done);
  require(
      checkpoint.data.row == position.row,
      "the checkpoint stands at row {}, but step {} of this run is at row {}: another version of the program wrote it",
      checkpoint.data.row, position.step, position.row);
  return position;
}

void SnapshotMaker::make(const RunPosition& position, const BatchState& state, const Sharding& sharding,
                         Checkpoint& checkpoint) const {
  checkpoint.hidden.clear();
  if (state.is_carried()) {
    checkpoint.hidden = gather_hidden(state.carried(), sharding, config.data.columns, control);
  } else {
    const std::unique_ptr<HiddenState> none = model.make_state(0);
    for (const StateSpec& spec : none->specs()) {
      checkpoint.hidden.push_back({spec.name, {spec.layers, 0, spec.width}, {}});
    }
  }
  checkpoint.step = position.step;
  checkpoint.epoch = position.epoch;
  checkpoint.cycle = position.cycle;
  checkpoint.data = {corpus.sha256, corpus.train_characters, position.row, config.data.columns, config.data.bptt};
  checkpoint.history = position.history;
  checkpoint.validations = position.validations;
  checkpoint.progress = position.progress;
  if (control.rank() != 0) return;
  checkpoint.created_utc = utc_now();
  checkpoint.program_version = kProgramVersion;
  checkpoint.processor = device_description(model.device());
  checkpoint.config = config_text;
  checkpoint.settings = ModelSettings{model.config(), config.data.window, config.data.predict};
  checkpoint.vocabulary = describe(vocabulary);
  const ScopedAverage averaged(average);
  take(model, optimizer, average, checkpoint);
}

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace charrnn
