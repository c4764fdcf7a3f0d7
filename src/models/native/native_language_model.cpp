#include "models/native/native_language_model.hpp"

#include <algorithm>
#include <cassert>
#include <deque>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "models/dropout.hpp"
#include "models/libtorch.hpp"
#include "models/native/character_products.hpp"
#include "models/native/dropout_mask.hpp"
#include "models/native/embedded_rows.hpp"
#include "models/native/gradient_blocks.hpp"
#include "models/native/layer_link.hpp"
#include "models/native/native_window.hpp"
#include "models/native/output_layer.hpp"
#include "models/native/step_plan.hpp"
#include "models/registry.hpp"

namespace charrnn {

namespace {

/// What a thread has for itself.
struct Scratch {
  OuterProducts products;
  InputLayer::Scratch embedding;
};

/// The buffer that the gradients of some micro-batches are summed up in.
struct Target {
  Range micro_batches;
  float* gradient;
};

class NativeLanguageModel final : public LanguageModel {
 public:
  NativeLanguageModel(const ModelConfig& model, std::int64_t vocabulary, Precision precision, ThreadTeam& team)
      : LanguageModel(model, vocabulary, parameter_layout(model, vocabulary), Device{}),
        precision_(precision),
        states_(state_specs(model)),
        team_(team),
        flat_(layout().size()),
        flat_gradient_(layout().size()),
        gradient_(flat_gradient_.span()),
        input_mask_(kInputMask, model.dropout_input, model.embedding, model.locked_dropout),
        rows_(at(flat_.data(), layout().embedding()), vocabulary, model.embedding, input_mask_, precision),
        output_(at(flat_.data(), layout().output_weight()), at(flat_.data(), layout().output_bias()), vocabulary,
                model.hidden, precision),
        weight_masks_(static_cast<std::size_t>(model.layers)) {
    const CellSpec& cell = find_cell(model.model);
    for (std::int64_t layer = 0; layer < model.layers; ++layer) {
      layers_.push_back(cell.native_layer({layer == 0 ? model.embedding : model.hidden, model.hidden,
                                           layout().of_layer(layer), flat_.data(), precision}));
      const bool is_last = layer + 1 == model.layers;
      links_.emplace_back(
          *layers_.back(),
          DropoutMask(layer, is_last ? model.dropout_output : model.dropout, model.hidden, model.locked_dropout),
          model.hidden, cell.is_residual && layer > 0, precision);
    }
    if (RecurrentLayer* first = layers_.front()->separate_inputs()) {
      characters_ = std::make_unique<CharacterProducts>(at(flat_.data(), layout().embedding()), vocabulary,
                                                        model.embedding, *first, precision);
    }
  }

  std::span<float> gradient() override { return gradient_; }
  void set_gradient_memory(std::span<float> memory) override {
    gradient_ = memory;
    flat_gradient_ = AlignedBuffer();
  }

  std::vector<Range> gradient_parts() const override { return layout().parts_from_the_top(); }

  std::vector<float> store_parameters() const override { return {flat_.span().begin(), flat_.span().end()}; }
  void load_parameters(std::span<const float> flat) override { std::ranges::copy(flat, writable_parameters().data()); }

  std::unique_ptr<HiddenState> make_state(std::int64_t columns) const override {
    return std::make_unique<NativeState>(states_, columns);
  }

  void train(std::span<const TrainMicroBatch> micro_batches, const TrainContext& context) override {
    assert(context.losses.size() == micro_batches.size());
    assert(precision_ != Precision::kInt8);
    const PhaseScope scope(context.clock, Phase::kForward);
    window_.take(micro_batches);
    targets_.clear();
    for (std::int64_t first = 0; const GradientSum& sum : context.sums) {
      assert(sum.micro_batches > 0 && std::ssize(sum.gradient) == layout().size());
      targets_.push_back({{first, sum.micro_batches}, sum.gradient.data()});
      first += sum.micro_batches;
    }
    assert((targets_.empty() ? 0 : targets_.back().micro_batches.end()) == std::ssize(micro_batches));
    if (window_.columns() == 0) {
      for (const GradientSum& sum : context.sums) std::ranges::fill(sum.gradient, 0.0F);
      std::ranges::fill(context.losses, 0.0);
      return;
    }
    start(context.dropout, /*trains=*/true);
    plan_forward();
    plan_losses();
    plan_backward(context.listener);
    run_plan(context.clock, [this] { blocks_.report(); });
    blocks_.report();
    std::ranges::transform(window_.micro_batches(), context.losses.begin(),
                           [&](const Range& columns) { return output_.loss(columns); });
  }

  double evaluate(const Window& window, HiddenState& state) override {
    if (window.columns == 0) return 0;
    compute_losses(window, state);
    return output_.loss({0, window.columns});
  }

  void log_probabilities(const Window& window, HiddenState& state, std::span<float> of_targets) override {
    assert(of_targets.size() == window.targets.size());
    if (window.columns == 0) return;
    compute_losses(window, state);
    std::ranges::transform(output_.losses(), of_targets.begin(), [](double loss) { return static_cast<float>(-loss); });
  }

  void predict(std::span<const std::int64_t> inputs, std::int64_t length, HiddenState& state,
               std::span<float> logits) override {
    assert(std::ssize(logits) == state.columns() * vocabulary_size());
    window_.take({inputs, {}, length, state.columns()}, state);
    start(std::nullopt, /*trains=*/false);
    plan_forward();
    run_plan();
    output_.predict(predicting_outputs(), window_.columns(), logits.data());
    release_units();
  }

 private:
  std::span<float> parameter_memory() override { return flat_.span(); }

  /// A parameter in a flat buffer.
  template <class Float>
  static Float* at(Float* flat, const Parameter& parameter) {
    return flat + parameter.offset;
  }
  bool is_top(std::size_t layer) const { return layer + 1 == layers_.size(); }
  static std::int64_t number(std::size_t layer) { return static_cast<std::int64_t>(layer); }

  bool drops_weights() const { return key_ && config().weight_dropout > 0; }
  const float* weight_mask(std::size_t layer) const { return drops_weights() ? weight_masks_[layer].data() : nullptr; }

  const float* predicting_outputs() const {
    return links_.back().outputs() + window_.first_predicting_row() * padded(config().hidden);
  }

  /// Room for window_, and an empty plan for it.
  void start(const std::optional<DropoutKey>& key, bool trains) {
    // Products have as many rows as the window has columns, and more only where it trains.
    if (trains || (precision_ != Precision::kInt8 && need_libtorch(window_.columns()))) libtorch();
    key_ = key;
    const std::int64_t length = window_.length(), columns = window_.columns();
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      layers_[layer]->resize(length, window_.micro_batches(), team_.size());
      links_[layer].start(key, length, window_.micro_batches(), is_top(layer) ? length - window_.predicting() : 0,
                          trains);
      if (drops_weights()) weight_masks_[layer].grow(layers_[layer]->recurrent_weights());
    }
    input_mask_.start(key, length, columns);
    input_ = characters_ && !input_mask_.is_on() ? characters_.get() : static_cast<InputLayer*>(&rows_);
    const bool has_changed = std::exchange(multiplied_, parameter_version()) != parameter_version();
    if (characters_ && has_changed) characters_->forget();
    input_->start(window_.inputs(), length, window_.micro_batches(), trains);
    output_.resize(window_.predicting(), window_.micro_batches(), team_.size(), trains);
    while (std::ssize(scratch_) < team_.size()) scratch_.emplace_back();
    plan_.start(WindowSplit(columns, layers_.front()->panels(), layers_.front()->bytes_per_step(), team_.size()));
  }

  void run_plan(PhaseClock* clock = nullptr, const std::function<void()>& poll = {}) {
    plan_.add(Phase::kBackward, WaitFor::kNobody, [this](Worker&) { release_units(); });
    plan_.run(team_, clock, poll);
  }

  void release_units() const {
    const bool used = precision_ == Precision::kTf32 || precision_ == Precision::kBf16;
    if (used && has_bf16_units()) release_bf16_units();
  }

  // The plans. Each step waits for as many threads as the next one needs.

  /// Everything up to the last layer's outputs and the states after the window.
  void plan_forward() {
    const auto forward_step = [this](WaitFor then, auto work) { plan_.add(Phase::kForward, then, work); };
    const auto packing = std::tuple(parameter_version(), drops_weights(), drops_weights() ? key_->step : 0);
    if (std::exchange(packed_, packing) != packing) {
      if (drops_weights()) forward_step(WaitFor::kAll, [this](Worker& w) { make_weight_masks(w); });
      forward_step(WaitFor::kNobody, [this](Worker& w) { pack(w); });
    }
    forward_step(WaitFor::kAll, [this](Worker& w) { take_states_and_masks(w); });
    forward_step(WaitFor::kAll, [this](Worker& w) { input_->embed(w.number(), w.count()); });
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      forward_step(WaitFor::kThreadGroup, [this, layer](Worker& w) { forward(layer, w); });
    }
    forward_step(WaitFor::kNobody, [this](Worker& w) { give_states(w); });
  }

  void plan_losses() {
    plan_.add(Phase::kForward, WaitFor::kNobody,
              [this](Worker& w) { output_.forward(w.share().own, predicting_outputs(), window_.targets()); });
  }

  /// A layer's gradient is computed, and the listener hears of it, before the backward pass of the layer below.
  void plan_backward(GradientListener* listener) {
    const auto backward_step = [this](WaitFor then, auto work) { plan_.add(Phase::kBackward, then, work); };
    std::vector<std::int64_t> blocks;
    backward_step(WaitFor::kThreadGroup, [this](Worker& w) { output_backward(w); });
    for (std::size_t layer = layers_.size(); layer-- > 0;) {
      blocks.push_back(gradient_blocks(layer) * std::ssize(targets_));
      const bool masks_input = layer == 0 && input_->d_inputs() != nullptr;
      backward_step(masks_input ? WaitFor::kThreadGroup : WaitFor::kAll,
                    [this, layer](Worker& w) { backward(layer, w); });
      if (masks_input) {
        backward_step(WaitFor::kAll, [this](Worker& w) { input_->backward(w.share().own); });
      }
      if (is_top(layer) || layer == 0) {
        backward_step(WaitFor::kAll, [this, layer](Worker& w) { prepare_gradients(layer, w); });
      }
      backward_step(WaitFor::kNobody, [this, layer](Worker& w) { put_gradients(layer, w); });
    }
    blocks_.start(blocks, listener);
  }

  // The steps' work.

  void make_weight_masks(const Worker& worker) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      const std::int64_t weights = layers_[layer]->recurrent_weights();
      const Range mine = share_of((weights + kDrawsPerBlock - 1) / kDrawsPerBlock, worker.number(), worker.count());
      fill_weight_mask(*key_, number(layer), config().weight_dropout, mine.first, mine.end(),
                       weight_masks_[layer].span().first(static_cast<std::size_t>(weights)));
    }
  }

  void pack(const Worker& worker) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      layers_[layer]->pack(worker.number(), worker.count(), weight_mask(layer));
    }
    output_.pack(worker.number(), worker.count());
  }

  void take_states_and_masks(const Worker& worker) {
    const Range& own = worker.share().own;
    input_mask_.draw(own);
    for (LayerLink& link : links_) link.draw_mask(own);
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      for (std::size_t i = 0; i < states_.size(); ++i) {
        float* const to = layers_[layer]->state_before(i);
        window_.for_states(i, number(layer), own, [&](const float* values, std::int64_t at, std::int64_t count) {
          std::copy_n(values, count, to + at);
        });
      }
    }
  }

  void give_states(const Worker& worker) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      for (std::size_t i = 0; i < states_.size(); ++i) {
        const float* const from = layers_[layer]->state_after(i);
        window_.for_states(
            i, number(layer), worker.share().own,
            [&](float* values, std::int64_t at, std::int64_t count) { std::copy_n(from + at, count, values); });
      }
    }
  }

  void forward(std::size_t layer, Worker& worker) {
    const float* const inputs = layer > 0 ? links_[layer - 1].outputs() : input_->inputs();
    layers_[layer]->forward(worker, inputs);
    links_[layer].forward(worker.share(), inputs);
  }

  void output_backward(const Worker& worker) {
    const Range& own = worker.share().own;
    const std::int64_t units = padded(config().hidden), columns = window_.columns();
    float* d_outputs = links_.back().d_outputs();
    for (std::int64_t t = 0; t < window_.length() - window_.predicting(); ++t) {
      std::fill_n(d_outputs + (t * columns + own.first) * units, own.count * units, 0.0F);
    }
    output_.backward(own, d_outputs + window_.first_predicting_row() * units);
  }

  void backward(std::size_t layer, Worker& worker) {
    LayerLink& link = links_[layer];
    float* const d_inputs = layer > 0 ? links_[layer - 1].d_outputs() : input_->d_inputs();
    link.backward(worker.share());
    layers_[layer]->backward(worker, link.d_outputs(), d_inputs);
    link.add_to(d_inputs, worker.share());
  }

  /// What the layer's part of the gradient needs and no part before it did.
  void prepare_gradients(std::size_t layer, const Worker& worker) {
    const int part = worker.number(), parts = worker.count();
    if (is_top(layer)) {
      for (std::size_t l = 0; l < layers_.size(); ++l) {
        layers_[l]->prepare_gradients(part, parts);
        links_[l].prepare_factor(part, parts);
      }
    }
    if (layer > 0) return;
    input_->prepare_gradients(part, parts);
    for (const Target& target : targets_) {
      input_->clear_unseen(at(target.gradient, layout().embedding()), part, parts);
    }
  }

  /// Blocks of a layer's part of the gradient, for each target.
  std::int64_t gradient_blocks(std::size_t layer) const {
    return layers_[layer]->gradient_blocks() + (is_top(layer) ? output_.gradient_blocks() : 0) +
           (layer == 0 ? input_->embedding_blocks() : 0);
  }

  void put_gradients(std::size_t layer, const Worker& worker) {
    const std::int64_t of_target = gradient_blocks(layer);
    Scratch& scratch = scratch_[static_cast<std::size_t>(worker.number())];
    blocks_.work_on(layers_.size() - 1 - layer, worker, [&](std::int64_t block) {
      put_gradients(layer, block % of_target, targets_[static_cast<std::size_t>(block / of_target)], scratch);
    });
  }

  void put_gradients(std::size_t l, std::int64_t block, const Target& target, Scratch& scratch) const {
    const auto& [micro_batches, flat] = target;
    const NativeLayer& layer = *layers_[l];
    if (block < layer.gradient_blocks()) {
      const FactorRows inputs = l > 0 ? links_[l - 1].outputs_factor() : input_->input_factor();
      layer.put_gradients(block, micro_batches, inputs, weight_mask(l), flat, scratch.products);
      if (l == 0) input_->put_weight_gradient(block, micro_batches, flat, scratch.products);
      return;
    }
    block -= layer.gradient_blocks();
    if (is_top(l) && block < output_.gradient_blocks()) {
      output_.put_gradients(block, micro_batches, links_[l].outputs_factor(), at(flat, layout().output_weight()),
                            at(flat, layout().output_bias()), scratch.products);
      return;
    }
    if (is_top(l)) block -= output_.gradient_blocks();
    input_->put_embedding_gradient(block, micro_batches, at(flat, layout().embedding()), scratch.embedding);
  }

  void compute_losses(const Window& window, HiddenState& state) {
    window_.take(window, state);
    start(std::nullopt, /*trains=*/false);
    plan_forward();
    plan_losses();
    run_plan();
  }

  Precision precision_;
  std::vector<StateSpec> states_;
  ThreadTeam& team_;

  // Parameters and layers, which keep them packed.
  AlignedBuffer flat_, flat_gradient_;
  std::span<float> gradient_;
  std::vector<std::unique_ptr<NativeLayer>> layers_;
  DropoutMask input_mask_;
  EmbeddedRows rows_;
  std::unique_ptr<CharacterProducts> characters_;  ///< null: the first layer needs rows_
  OutputLayer output_;
  std::vector<AlignedBuffer> weight_masks_;  ///< of each layer
  /// What is packed: the parameters' version, whether masked, and the mask's step.
  std::optional<std::tuple<std::uint64_t, bool, std::int64_t>> packed_;
  std::uint64_t multiplied_ = 0;  ///< the version of the parameters with which characters_ may have products

  // The window and the pass over it.
  NativeWindow window_;
  std::optional<DropoutKey> key_;
  std::deque<LayerLink> links_;  ///< after each layer
  InputLayer* input_ = nullptr;  ///< rows_ or characters_
  std::vector<Target> targets_;  ///< of the gradient
  std::deque<Scratch> scratch_;  ///< of each thread
  GradientBlocks blocks_;        ///< a part a layer, the last layer first
  StepPlan plan_;
};

}  // namespace

std::unique_ptr<LanguageModel> make_native_language_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                                          Precision precision, ThreadTeam& team) {
  return std::make_unique<NativeLanguageModel>(config, vocabulary_size, precision, team);
}

}  // namespace charrnn
