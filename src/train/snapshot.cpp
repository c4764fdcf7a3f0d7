#include "train/snapshot.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include "base/error.hpp"
#include "models/registry.hpp"

namespace charrnn {

namespace {

/// Copies columns between [layers, columns, hidden] buffers with different numbers of columns.
void copy_columns(std::span<const float> from, std::int64_t from_columns, std::int64_t from_first,
                  std::span<float> to, std::int64_t to_columns, std::int64_t to_first, std::int64_t count,
                  std::int64_t layers, std::int64_t hidden) {
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    std::copy_n(from.begin() + (layer * from_columns + from_first) * hidden, count * hidden,
                to.begin() + (layer * to_columns + to_first) * hidden);
  }
}

std::vector<NamedTensor> cut(const ParameterLayout& layout, const std::vector<float>& flat) {
  std::vector<NamedTensor> tensors;
  for (const Parameter& parameter : layout.parameters()) {
    const auto first = flat.begin() + parameter.offset;
    tensors.push_back({parameter.name, parameter.shape, {first, first + parameter.size}});
  }
  return tensors;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::vector<float> join(const ParameterLayout& layout, const std::vector<NamedTensor>& tensors,
                        const char* group) {
  std::vector<float> flat(static_cast<std::size_t>(layout.size()));
  for (const Parameter& parameter : layout.parameters()) {
    const auto tensor = std::find_if(tensors.begin(), tensors.end(), [&](const NamedTensor& candidate) {
      return candidate.name == parameter.name;
    });
    require(tensor != tensors.end(), "the checkpoint lacks {}/{}", group, parameter.name);
    require(tensor->shape == parameter.shape, "{}/{} of the checkpoint is {}, the model needs {}", group,
            parameter.name, shape_text(tensor->shape), shape_text(parameter.shape));
    std::copy(tensor->values.begin(), tensor->values.end(), flat.begin() + parameter.offset);
  }
  require(tensors.size() == layout.parameters().size(), "the checkpoint has {} tensors in {}, the model {}",
          tensors.size(), group, layout.parameters().size());
  return flat;
}

}  // namespace

Checkpoint::Hidden gather_hidden(const GroupStates& states, const Sharding& sharding, std::int64_t columns,
                                 Communicator& control) {
  const bool root = control.rank() == 0;
  const HiddenState& any = *states.front();
  Checkpoint::Hidden all{any.layers(), columns, any.hidden(), {}, {}};
  const std::int64_t per_column = any.layers() * any.hidden();
  std::vector<std::int64_t> counts;
  for (int rank = 0; rank < control.size(); ++rank) {
    const Sharding of_rank(sharding.groups, rank, control.size());
    counts.push_back(of_rank.columns_of_rank(columns).count * per_column);
  }
  std::vector<float> h, c;  // one group after the other, each [layers, columns, hidden]
  for (const auto& state : states) {
    const std::size_t at = h.size();
    h.resize(at + state->size());
    c.resize(state->has_cell() ? h.size() : 0);
    state->store(std::span(h).subspan(at), state->has_cell() ? std::span(c).subspan(at) : std::span<float>());
  }
  const auto everything = static_cast<std::size_t>(root ? columns * per_column : 0);
  const auto gather_part = [&](const std::vector<float>& mine, std::vector<float>& whole) {
    std::vector<float> by_group(everything);
    control.gather(mine, by_group, counts, 0);
    whole.resize(everything);
    for (std::int64_t group = 0; root && group < sharding.groups; ++group) {
      const Range range = sharding.columns_of_group(columns, group);
      const auto from = std::span(by_group).subspan(static_cast<std::size_t>(range.first * per_column));
      copy_columns(from, range.count, 0, whole, columns, range.first, range.count, any.layers(),
                   any.hidden());
    }
  };
  gather_part(h, all.h);
  if (any.has_cell()) gather_part(c, all.c);
  return all;
}

void load_hidden(const GroupStates& states, const Sharding& sharding, const Checkpoint::Hidden& all) {
  for (std::size_t i = 0; i < states.size(); ++i) {
    HiddenState& state = *states[i];
    const auto size = static_cast<std::size_t>(state.layers() * all.columns * state.hidden());
    require(all.layers == state.layers() && all.hidden == state.hidden() && all.h.size() == size &&
                all.c.size() == (state.has_cell() ? size : 0),
            "the hidden state of the checkpoint does not fit the model");
    const Range range =
        sharding.columns_of_group(all.columns, sharding.mine.first + static_cast<std::int64_t>(i));
    std::vector<float> h(state.size()), c(state.has_cell() ? state.size() : 0);
    const auto take_part = [&](const std::vector<float>& from, std::vector<float>& to) {
      if (to.empty()) return;
      copy_columns(from, all.columns, range.first, to, range.count, 0, range.count, state.layers(),
                   state.hidden());
    };
    take_part(all.h, h);
    take_part(all.c, c);
    state.load(h, c);
  }
}

Checkpoint::Vocabulary describe(const Vocabulary& vocabulary) {
  const VocabularyOptions& options = vocabulary.options();
  return {vocabulary.symbols(),
          vocabulary.unknown() ? std::int64_t{*vocabulary.unknown()} : -1,
          vocabulary.padding() ? std::int64_t{*vocabulary.padding()} : -1,
          options.lowercase,
          options.bytes,
          options.full,
          options.min_freq};
}

Vocabulary vocabulary_of(const Checkpoint& checkpoint) {
  const Checkpoint::Vocabulary& stored = checkpoint.vocabulary;
  return Vocabulary::from_symbols(stored.symbols,
                                  {stored.bytes, stored.full, stored.lowercase, stored.min_freq});
}

void take(const LanguageModel& model, const Optimizer& optimizer, const WeightAverage* average,
          Checkpoint& checkpoint) {
  checkpoint.arch = model_kind(model.config().model).name;
  if (average != nullptr) checkpoint.trained = cut(model.layout(), average->store());
  checkpoint.model = cut(model.layout(), model.store_parameters());
  checkpoint.exp_avg = cut(model.layout(), optimizer.store_exp_avg());
  checkpoint.exp_avg_sq = cut(model.layout(), optimizer.store_exp_avg_sq());
  checkpoint.optimizer_step = optimizer.steps();
  checkpoint.groups.clear();
  for (const ParameterGroup& group : optimizer.groups()) {
    checkpoint.groups.push_back({group.match, group.learning_rate, group.weight_decay});
  }
}

void load_weights(LanguageModel& model, const Checkpoint& checkpoint) {
  model.load_parameters(join(model.layout(), checkpoint.model, "/model"));
}

void load_optimizer(Optimizer& optimizer, const ParameterLayout& layout, const Checkpoint& checkpoint) {
  optimizer.load(join(layout, checkpoint.exp_avg, "/optimizer/exp_avg"),
                 join(layout, checkpoint.exp_avg_sq, "/optimizer/exp_avg_sq"), checkpoint.optimizer_step);
}

std::vector<float> mean_square_of_gradients(const ParameterLayout& layout, const Checkpoint& checkpoint) {
  std::vector<float> flat = join(layout, checkpoint.exp_avg_sq, "/optimizer/exp_avg_sq");
  const double weight = 1 - std::pow(Optimizer::kBeta2, static_cast<double>(checkpoint.optimizer_step));
  for (float& value : flat) value = static_cast<float>(value / weight);
  return flat;
}

void load_trained(LanguageModel& model, const Checkpoint& checkpoint) {
  if (checkpoint.trained.empty()) return;
  model.load_parameters(join(model.layout(), checkpoint.trained, "/optimizer/parameters"));
}

std::string utc_now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace charrnn
