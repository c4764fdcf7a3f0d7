#include "models/native/native_language_model.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <tuple>
#include <utility>

#include "models/dropout.hpp"
#include "models/native/dropout_mask.hpp"
#include "models/native/input_layer.hpp"
#include "models/native/native_state.hpp"
#include "models/native/output_layer.hpp"
#include "models/native/recurrent_layer.hpp"
#include "models/native/window_split.hpp"
#include "models/registry.hpp"

namespace charrnn {

namespace {

/// What goes from one layer to the next, [rows, padded(hidden)].
struct Link {
  Link(DropoutMask dropout, Precision precision) : mask(std::move(dropout)), factor(precision) {}

  DropoutMask mask;
  AlignedBuffer masked;  ///< outputs times mask
  AlignedBuffer d_outputs;
  OuterFactor factor;            ///< what of them goes on, if the layer's own factor is not that
  std::vector<MatrixRows> rows;  ///< in it
};

/// What a thread has for itself.
struct Scratch {
  OuterProducts products;
  InputLayer::Scratch embedding;
};

/// Groups whose gradient goes to one buffer.
struct Target {
  Range groups;
  float* gradient;
};

/// Blocks of a part of the gradient in a call of train().
struct BlockCounter {
  std::atomic<std::int64_t> handed_out{0}, done{0};
};

class NativeLanguageModel final : public LanguageModel {
 public:
  NativeLanguageModel(const ModelConfig& model, const ModelKind& kind, std::int64_t vocabulary,
                      ParameterLayout parameters, Precision precision, ThreadTeam& team)
      : LanguageModel(model, vocabulary, std::move(parameters), Device{}),
        has_cell_(kind.cell == Cell::kLstm),
        states_of_(state_specs(model, kind)),
        team_(team),
        flat_(layout().size()),
        flat_gradient_(layout().size()),
        input_mask_(kInputMask, model.dropout_input, model.embedding, model.locked_dropout),
        output_(place(flat_.data(), last() - 1), place(flat_.data(), last()), vocabulary, model.hidden,
                precision),
        precision_(precision),
        weight_masks_(static_cast<std::size_t>(model.layers)) {
    for (std::int64_t layer = 0; layer < model.layers; ++layer) {
      layers_.emplace_back(kind.cell, layer == 0 ? model.embedding : model.hidden, model.hidden,
                           of_layer<const float>(flat_.data(), layer), precision);
      links_.emplace_back(DropoutMask(layer, layer + 1 < model.layers ? model.dropout : model.dropout_output,
                                      model.hidden, model.locked_dropout),
                          precision);
      blocks_.emplace_back();
    }
    input_.emplace(flat_.data(), vocabulary, model.embedding, layers_.front(), input_mask_, precision);
  }

  std::span<float> gradient() override { return flat_gradient_.span(); }

  std::vector<Range> gradient_parts() const override {
    std::vector<Range> parts;
    std::int64_t end = layout().size();
    for (std::size_t layer = layers_.size(); layer-- > 0; end = parts.back().first) {
      const std::int64_t first = layer > 0 ? layout().parameters()[1 + 4 * layer].offset : 0;
      parts.push_back({first, end - first});
    }
    return parts;
  }

  std::vector<float> store_parameters() const override { return {flat_.span().begin(), flat_.span().end()}; }
  void load_parameters(std::span<const float> flat) override {
    std::ranges::copy(flat, writable_parameters().data());
  }

  std::unique_ptr<HiddenState> make_state(std::int64_t columns) const override {
    return std::make_unique<NativeState>(states_of_, columns);
  }

  void train(std::span<const TrainMicroBatch> micro_batches, const TrainContext& context) override {
    const Window window = gather(micro_batches);
    if (window.columns == 0) {
      for (const GradientSum& sum : context.sums) std::ranges::fill(sum.gradient, 0.0F);
      std::ranges::fill(context.losses, 0.0);
      return;
    }
    clock_ = context.clock;
    listener_ = context.listener;
    const PhaseScope scope(clock_, Phase::kForward);
    targets_.clear();
    for (std::int64_t first = 0; const GradientSum& sum : context.sums) {
      targets_.push_back({{first, sum.micro_batches}, sum.gradient.data()});
      first += sum.micro_batches;
    }
    start(window.inputs, window.length, context.dropout, window.predicts_every() ? window.length : 1, true);
    while (std::ssize(scratch_) < team_.size()) scratch_.emplace_back();
    for (BlockCounter& blocks : blocks_) blocks.handed_out = blocks.done = 0;
    told_ = layers_.size();
    team_.run([&](int thread) {
      forward(thread);
      const WindowShare share = split_.share(thread);
      output_.forward(share.own, predicting_outputs(), window.targets);
      if (thread == 0 && clock_ != nullptr) clock_->enter(Phase::kBackward);
      const std::function<void()> poll = [&] {
        if (thread == 0) tell();
      };
      output_backward(share.own);
      meet(thread);
      for (std::size_t layer = layers_.size(); layer-- > 0;) {
        backward(layer, thread, poll);
        wait_for_others(thread);
        prepare_gradients(layer, thread);
        put_gradients(layer, scratch_[static_cast<std::size_t>(thread)], poll);
      }
      release_units();
      if (thread == 0 && clock_ != nullptr) clock_->enter(Phase::kIdle);  // run() waits for the others
    });
    tell();
    for (std::size_t i = 0; i < groups_.size(); ++i) context.losses[i] = output_.loss(groups_[i]);
    clock_ = nullptr;
    listener_ = nullptr;
  }

  double evaluate(const Window& window, HiddenState& state) override {
    if (window.columns == 0) return 0;
    compute_losses(window, state);
    return output_.loss({0, columns_});
  }

  void log_probabilities(const Window& window, HiddenState& state, std::span<float> of_targets) override {
    if (window.columns == 0) return;
    compute_losses(window, state);
    std::ranges::transform(output_.losses(), of_targets.begin(),
                           [](double loss) { return static_cast<float>(-loss); });
  }

  void predict(std::span<const std::int64_t> inputs, std::int64_t length, HiddenState& state,
               std::span<float> logits) override {
    take_alone(state);
    start(inputs, length, std::nullopt, 1, false);
    team_.run([&](int thread) {
      forward(thread);
      release_units();
    });
    output_.predict(predicting_outputs(), columns_, logits.data());
    release_units();
  }

 private:
  std::span<float> parameter_memory() override { return flat_.span(); }

  /// Parameter number `index` of the layout in a flat buffer.
  template <class Float>
  Float* place(Float* flat, std::size_t index) const {
    return flat + layout().parameters()[index].offset;
  }
  std::size_t last() const { return layout().parameters().size() - 1; }
  template <class Float>
  LayerParameters<Float> of_layer(Float* flat, std::int64_t layer) const {
    const auto first = static_cast<std::size_t>(1 + 4 * layer);
    return {place(flat, first), place(flat, first + 1), place(flat, first + 2), place(flat, first + 3)};
  }

  void wait_for_others(int thread) {
    const PhaseScope scope(thread == 0 ? clock_ : nullptr, Phase::kIdle);
    team_.barrier();
  }

  /// Waits for the threads that share the thread's columns.
  void meet(int thread) {
    if (split_.threads_of_group() == 1) return;
    const PhaseScope scope(thread == 0 ? clock_ : nullptr, Phase::kIdle);
    meeting_places_[static_cast<std::size_t>(split_.group_of(thread))].wait();
  }

  void release_units() const {
    if (precision_ == Precision::kBf16 && has_bf16_units()) release_bf16_units();
  }

  bool is_top(std::size_t layer) const { return layer + 1 == layers_.size(); }
  const float* weight_mask(std::size_t layer) const {
    return drops_weights() ? weight_masks_[layer].data() : nullptr;
  }
  bool drops_weights() const { return key_ && config().weight_dropout > 0; }

  /// Outputs of a layer as the next one gets them.
  float* outputs(std::size_t layer) {
    return links_[layer].mask.is_on() ? links_[layer].masked.data() : layers_[layer].h(1);
  }
  float* predicting_outputs() {
    return outputs(layers_.size() - 1) + first_predicting_row() * padded(config().hidden);
  }
  std::int64_t first_predicting_row() const { return (length_ - predicting_) * columns_; }

  /// One window of all groups; its groups and their states come to groups_ and states_.
  Window gather(std::span<const TrainMicroBatch> groups) {
    groups_.clear();
    states_.clear();
    std::int64_t columns = 0;
    for (const TrainMicroBatch& group : groups) {
      groups_.push_back({columns, group.window.columns});
      states_.push_back(static_cast<NativeState*>(group.state));
      columns += group.window.columns;
    }
    if (groups.size() == 1) return groups.front().window;
    Window all;
    const auto put_side_by_side = [&](std::span<const std::int64_t> Window::*part,
                                      std::vector<std::int64_t>& to) {
      std::int64_t rows = 0;
      for (const TrainMicroBatch& group : groups) {
        if (group.window.columns > 0) rows = std::ssize(group.window.*part) / group.window.columns;
      }
      to.clear();
      for (std::int64_t row = 0; row < rows; ++row) {
        for (const TrainMicroBatch& group : groups) {
          const auto from = (group.window.*part).begin() + row * group.window.columns;
          to.insert(to.end(), from, from + group.window.columns);
        }
      }
      all.*part = to;
    };
    put_side_by_side(&Window::inputs, inputs_);
    put_side_by_side(&Window::targets, predicted_);
    all.length = groups.empty() ? 0 : groups.front().window.length;
    all.columns = columns;
    return all;
  }

  void take_alone(HiddenState& state) {
    groups_.assign(1, {0, state.columns()});
    states_.assign(1, static_cast<NativeState*>(&state));
  }

  /// Room for a window of groups_; `predicting` is the number of its last time steps that predict.
  void start(std::span<const std::int64_t> inputs, std::int64_t length, const std::optional<DropoutKey>& key,
             std::int64_t predicting, bool trains) {
    length_ = length;
    columns_ = groups_.back().end();
    key_ = key;
    predicting_ = predicting;
    const std::int64_t rows = length_ * columns_, hidden = config().hidden;
    split_threads();
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      layers_[layer].resize(length_, groups_, team_.size());
      Link& link = links_[layer];
      link.mask.start(key, length, columns_);
      if (link.mask.is_on()) {
        link.masked.grow_padded(rows * padded(hidden), (rows + kRowBlock) * padded(hidden));
      }
      if (trains) link.d_outputs.grow(rows * padded(hidden));
      if (trains && !shares_factor(layer)) {
        const std::int64_t first = first_step_read(layer);
        cut_into_groups(outputs(layer) + first * columns_ * padded(hidden), padded(hidden), length_ - first,
                        groups_, link.rows);
        link.factor.resize(link.rows, hidden);
      }
      if (drops_weights()) weight_masks_[layer].grow(layers_[layer].weight_hh().size());
    }
    input_mask_.start(key, length, columns_);
    input_->start(inputs, length, groups_, trains);
    output_.resize(predicting_, groups_, team_.size(), trains);
  }

  void split_threads() {
    const WindowSplit before = split_;
    const RecurrentLayer& layer = layers_.front();
    split_ = WindowSplit(columns_, layer.panels(), layer.weight_hh().forward().bytes(), team_.size());
    if (split_.groups() == before.groups() && split_.threads_of_group() == before.threads_of_group()) return;
    meeting_places_.clear();
    for (int group = 0; group < split_.groups(); ++group) {
      meeting_places_.emplace_back(split_.threads_of_group());
    }
  }

  /// Where the groups' states have some of these columns: work(state, first float there, its place among all
  /// columns, floats).
  template <class Work>
  void for_states(const Range& columns, const Work& work) const {
    const std::int64_t units = padded(config().hidden);
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const std::int64_t first = std::max(columns.first, groups_[i].first);
      const std::int64_t count = std::min(columns.end(), groups_[i].end()) - first;
      if (count > 0) work(*states_[i], (first - groups_[i].first) * units, first * units, count * units);
    }
  }

  /// Everything up to the last layer's outputs, on every thread of the team.
  void forward(int thread) {
    const WindowShare share = split_.share(thread);
    const std::int64_t units = padded(config().hidden);
    if (!is_packed()) {
      if (drops_weights()) {
        make_weight_masks(thread);
        wait_for_others(thread);
      }
      for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        layers_[layer].pack(thread, team_.size(), weight_mask(layer));
      }
      output_.pack(thread, team_.size());
    }
    input_mask_.draw(share.own);
    for (Link& link : links_) link.mask.draw(share.own);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const auto number = static_cast<std::int64_t>(l);
      for_states(share.own,
                 [&](NativeState& state, std::int64_t there, std::int64_t here, std::int64_t count) {
                   std::copy_n(state.at(kH, number) + there, count, layers_[l].h(0) + here);
                   if (has_cell_) std::copy_n(state.at(kC, number) + there, count, layers_[l].c(0) + here);
                 });
    }
    wait_for_others(thread);
    if (thread == 0) note_packed();
    input_->embed(thread, team_.size());
    wait_for_others(thread);
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      RecurrentLayer& layer = layers_[l];
      if (l > 0) layer.multiply_inputs(share, outputs(l - 1));
      layer.forward(share, l > 0 || input_->fills_gates(), [&] { meet(thread); });
      Link& link = links_[l];
      if (link.mask.is_on()) {
        link.mask.apply(share.columns, share.units(), layer.h(1), link.masked.data(), units);
      }
      meet(thread);
      const auto number = static_cast<std::int64_t>(l);
      for_states(share.own,
                 [&](NativeState& state, std::int64_t there, std::int64_t here, std::int64_t count) {
                   std::copy_n(layer.h(length_) + here, count, state.at(kH, number) + there);
                   if (has_cell_) std::copy_n(layer.c(length_) + here, count, state.at(kC, number) + there);
                 });
    }
  }

  void output_backward(const Range& columns) {
    const std::int64_t units = padded(config().hidden);
    float* d_outputs = links_.back().d_outputs.data();
    for (std::int64_t t = 0; t < length_ - predicting_; ++t) {
      std::fill_n(d_outputs + (t * columns_ + columns.first) * units, columns.count * units, 0.0F);
    }
    output_.backward(columns, d_outputs + first_predicting_row() * units);
  }

  /// Calls `poll` at every time step.
  void backward(std::size_t layer, int thread, const std::function<void()>& poll) {
    const WindowShare share = split_.share(thread);
    const DropoutMask& mask = links_[layer].mask;
    float* d_outputs = links_[layer].d_outputs.data();
    if (mask.is_on()) {
      mask.apply(share.columns, share.units(), d_outputs, d_outputs, padded(config().hidden));
    }
    layers_[layer].backward(share, d_outputs, [&] {
      poll();
      meet(thread);
    });
    if (layer > 0) {
      layers_[layer].input_gradient(share.columns, share.panels, links_[layer - 1].d_outputs.data());
    } else {
      input_->backward(share.own);
    }
  }

  // The gradient comes in one part a layer, from the top down: with the last layer's comes the output
  // layer's, with the first one's the embedding's.

  /// What the layer's part needs and no part before it did.
  void prepare_gradients(std::size_t layer, int thread) {
    if (is_top(layer)) prepare_factors(thread);
    if (layer == 0) prepare_input_gradients(thread);
    if (is_top(layer) || layer == 0) wait_for_others(thread);
  }

  void prepare_factors(int thread) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      layers_[layer].prepare_gradients(thread, team_.size());
      if (shares_factor(layer)) continue;
      links_[layer].factor.take(thread, team_.size());
    }
  }

  void prepare_input_gradients(int thread) {
    input_->prepare_gradients(thread, team_.size());
    for (const Target& target : targets_) {
      input_->clear_unseen(place(target.gradient, 0), thread, team_.size());
    }
  }

  /// Whether what goes from a layer to the next is in the layer's own factor.
  bool shares_factor(std::size_t layer) const {
    return !links_[layer].mask.is_on() && layers_[layer].outputs_factor().factor != nullptr;
  }
  /// First time step whose outputs of a layer anything but the layer itself reads.
  std::int64_t first_step_read(std::size_t layer) const { return is_top(layer) ? length_ - predicting_ : 0; }
  FactorRows factor_of_outputs(std::size_t layer) const {
    if (!shares_factor(layer)) return links_[layer].factor.rows(0);
    const FactorRows all = layers_[layer].outputs_factor();
    return {all.factor, all.first + first_step_read(layer)};
  }

  /// Of one target.
  std::int64_t gradient_blocks(std::size_t layer) const {
    return layers_[layer].gradient_blocks() + (is_top(layer) ? output_.gradient_blocks() : 0) +
           (layer == 0 ? input_->embedding_blocks() : 0);
  }

  std::int64_t all_gradient_blocks(std::size_t layer) const {
    return gradient_blocks(layer) * std::ssize(targets_);
  }

  /// Blocks of a layer's part, as long as there are any left.
  void put_gradients(std::size_t layer, Scratch& scratch, const std::function<void()>& poll) {
    BlockCounter& blocks = blocks_[layer];
    const std::int64_t of_target = gradient_blocks(layer), count = all_gradient_blocks(layer);
    for (std::int64_t block = blocks.handed_out++; block < count; block = blocks.handed_out++) {
      put_gradients(layer, block % of_target, targets_[static_cast<std::size_t>(block / of_target)], scratch);
      ++blocks.done;
      poll();
    }
  }

  void put_gradients(std::size_t l, std::int64_t block, const Target& target, Scratch& scratch) {
    float* flat = target.gradient;
    const RecurrentLayer& layer = layers_[l];
    if (block < layer.gradient_blocks()) {
      const auto gradient = of_layer<float>(flat, static_cast<std::int64_t>(l));
      const FactorRows inputs = l > 0 ? factor_of_outputs(l - 1) : input_->inputs_of_rows();
      layer.put_gradients(block, target.groups, inputs, weight_mask(l), gradient, scratch.products);
      if (l == 0) input_->put_weight_gradient(block, target.groups, gradient.weight_ih, scratch.products);
      return;
    }
    block -= layer.gradient_blocks();
    if (is_top(l) && block < output_.gradient_blocks()) {
      output_.put_gradients(block, target.groups, factor_of_outputs(l), place(flat, last() - 1),
                            place(flat, last()), scratch.products);
      return;
    }
    if (is_top(l)) block -= output_.gradient_blocks();
    input_->put_embedding_gradient(block, target.groups, place(flat, 0), scratch.embedding);
  }

  /// Tells the listener of every part that is complete by now.
  void tell() {
    if (listener_ == nullptr) return;
    for (; told_ > 0 && blocks_[told_ - 1].done == all_gradient_blocks(told_ - 1); --told_) {
      listener_->part_is_complete();
    }
    listener_->poll();
  }

  void compute_losses(const Window& window, HiddenState& state) {
    take_alone(state);
    start(window.inputs, window.length, std::nullopt, window.predicts_every() ? window.length : 1, false);
    team_.run([&](int thread) {
      forward(thread);
      output_.forward(split_.share(thread).own, predicting_outputs(), window.targets);
      release_units();
    });
  }

  /// Weights are packed when they have changed, and with every new mask of theirs.
  std::tuple<std::uint64_t, bool, std::int64_t> wanted_packing() const {
    return {parameter_version(), drops_weights(), drops_weights() ? key_->step : 0};
  }
  bool is_packed() const { return packed_ == wanted_packing(); }
  void note_packed() { packed_ = wanted_packing(); }

  void make_weight_masks(int thread) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      const Range mine = share_of((layers_[l].weight_hh().size() + kDrawsPerBlock - 1) / kDrawsPerBlock,
                                  thread, team_.size());
      fill_weight_mask(
          *key_, static_cast<std::int64_t>(l), config().weight_dropout, mine.first, mine.end(),
          weight_masks_[l].span().first(static_cast<std::size_t>(layers_[l].weight_hh().size())));
    }
  }

  bool has_cell_;
  std::vector<StateSpec> states_of_;
  PhaseClock* clock_ = nullptr;  ///< of the call of train() at work
  GradientListener* listener_ = nullptr;
  ThreadTeam& team_;
  AlignedBuffer flat_, flat_gradient_;
  std::deque<RecurrentLayer> layers_;
  DropoutMask input_mask_;
  std::optional<InputLayer> input_;
  OutputLayer output_;
  Precision precision_;
  std::deque<Link> links_;  ///< after each layer
  std::vector<AlignedBuffer> weight_masks_;
  std::optional<std::tuple<std::uint64_t, bool, std::int64_t>>
      packed_;                       ///< which parameters, with a mask? of which step?
  std::deque<Scratch> scratch_;      ///< one a thread
  std::deque<BlockCounter> blocks_;  ///< of each layer's part of the gradient
  std::vector<Target> targets_;      ///< where the gradients go
  std::size_t told_ = 0;             ///< layers whose part the listener has not been told of

  // The window.
  std::vector<Range> groups_;
  std::vector<NativeState*> states_;              ///< of each group
  std::vector<std::int64_t> inputs_, predicted_;  ///< of several groups
  std::int64_t length_ = 0, columns_ = 0, predicting_ = 0;
  WindowSplit split_;
  std::deque<Barrier> meeting_places_;  ///< of the split's groups
  std::optional<DropoutKey> key_;
};

}  // namespace

std::unique_ptr<LanguageModel> make_native_language_model(const ModelConfig& config,
                                                          std::int64_t vocabulary_size, Precision precision,
                                                          ThreadTeam& team) {
  return std::make_unique<NativeLanguageModel>(config, model_kind(config.model), vocabulary_size,
                                               parameter_layout(config, vocabulary_size), precision, team);
}

}  // namespace charrnn
