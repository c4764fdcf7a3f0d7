#include "models/torch/torch_language_model.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cassert>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "base/summation_tree.hpp"
#include "models/flat_tensor.hpp"
#include "models/registry.hpp"
#include "models/torch/autocast.hpp"
#include "models/torch/drop_block.hpp"
#include "models/torch/torch_dropout.hpp"
#include "models/torch/torch_layer.hpp"
#include "models/torch/torch_state.hpp"
#ifdef CHARRNN_CUDA
#include <ATen/cuda/CUDAEvent.h>

#include "models/torch/gradient_hooks.hpp"
#include "models/torch/recorded_steps.hpp"
#endif

namespace charrnn {

namespace {

class TorchLanguageModel final : public LanguageModel {
 public:
  TorchLanguageModel(const ModelConfig& model, std::int64_t vocabulary, MakeTorchLayer make_layer, Precision precision,
                     Device where)
      : LanguageModel(model, vocabulary, parameter_layout(model, vocabulary), where),
        states_(state_specs(model)),
        is_residual_(find_cell(model.model).is_residual),
        bf16_(precision == Precision::kBf16),
        options_(options_of(where)),
        flat_(at::zeros({layout().size()}, options_)),
        flat_gradient_(at::zeros({layout().size()}, options_)) {
    for (const Parameter& parameter : layout().parameters()) {
      // A storage that begins with the parameter: cuDNN takes a layer's weights where they are only if they
      // lie at a storage's beginning.
      const std::span<float> from_here = span_of(flat_).subspan(static_cast<std::size_t>(parameter.offset));
      at::Tensor leaf = view(wrap(from_here, where), parameter.size, parameter.shape).detach();
      leaf.requires_grad_(true);
      leaves_.push_back(std::move(leaf));
    }
    for (std::int64_t layer = 0; layer < model.layers; ++layer) {
      layers_.push_back(make_layer({config(), layer, where, precision}));
    }
#ifdef CHARRNN_CUDA
    if (where.cuda) mark_parts();
#endif
  }

  std::span<float> gradient() override {
    return span_of(flat_gradient_);
  }
  void set_gradient_memory(std::span<float> memory) override {
    flat_gradient_ = wrap(memory, device());
  }
  std::vector<Range> gradient_parts() const override {
    return device().cuda ? layout().parts_from_the_top() : LanguageModel::gradient_parts();
  }

  std::vector<float> store_parameters() const override {
    return to_host(flat_);
  }
  void load_parameters(std::span<const float> flat) override {
    writable_parameters();
    from_host(flat_, flat);
  }

  std::unique_ptr<HiddenState> make_state(std::int64_t columns) const override {
    return std::make_unique<TorchState>(states_, columns, options_);
  }

  void train(std::span<const TrainMicroBatch> micro_batches, const TrainContext& context) override {
    const PhaseScope scope(context.clock, Phase::kForward);
    tell_layers();
    const bool is_queued = !context.queued_losses.empty();
    assert((is_queued ? context.queued_losses.size() : context.losses.size()) == micro_batches.size());
    // Always in the same place: a GPU's steps are recorded.
    if (losses_.numel() < std::ssize(micro_batches)) losses_ = at::zeros({std::ssize(micro_batches)}, options_);
    const at::Tensor losses = is_queued ? wrap(context.queued_losses, device()) : losses_;
    std::optional<DropoutKey> key = context.dropout;
    std::int64_t first = 0;
    for (const GradientSum& sum : context.sums) {
      const at::Tensor gradient = wrap(sum.gradient, device());
      gradient.zero_();
      const std::function<void(std::int64_t)> add = [&](std::int64_t number) {
        const auto& [window, state] = micro_batches[static_cast<std::size_t>(number)];
        train(window, torch_state(*state), key, losses[number], context.clock);
        if (key) key->first_column += window.columns;
      };
      add_up(gradient, first, first + sum.micro_batches, 0, add);
      first += sum.micro_batches;
    }
    assert(first == std::ssize(micro_batches));
#ifdef CHARRNN_CUDA
    if (context.listener != nullptr && device().cuda && micro_batches.size() == 1) {
      const bool is_empty = micro_batches.front().window.columns == 0;  // its sums begin like those of other ranks
      for (at::cuda::CUDAEvent& event : part_events_) {
        if (is_empty) event.record();
        context.listener->part_is_complete_at(event.event());
      }
    }
#endif
    if (!is_queued) std::ranges::copy(to_host(losses_.slice(0, 0, first)), context.losses.begin());
  }

  double evaluate(const Window& window, HiddenState& state) override {
    if (window.columns == 0) return 0;
    const c10::NoGradGuard no_grad;
    tell_layers();
    return losses(window, state, std::nullopt, at::Reduction::Sum).item<double>();
  }

  void log_probabilities(const Window& window, HiddenState& state, std::span<float> of_targets) override {
    if (window.columns == 0) return;
    const c10::NoGradGuard no_grad;
    tell_layers();
    assert(of_targets.size() == window.targets.size());
    const at::Tensor host = at::from_blob(of_targets.data(), {static_cast<std::int64_t>(of_targets.size())});
    host.copy_(losses(window, state, std::nullopt, at::Reduction::None).neg());
  }

  void predict(std::span<const std::int64_t> inputs, std::int64_t length, HiddenState& state,
               std::span<float> logits) override {
    assert(std::ssize(logits) == state.columns() * vocabulary_size());
    const c10::NoGradGuard no_grad;
    tell_layers();
    const at::Tensor outputs =
        run(tokens(inputs, {length, state.columns()}), torch_state(state), TorchDropout(config(), at::Tensor()));
    const at::Tensor last = output_layer(outputs[-1]);
    at::from_blob(logits.data(), {state.columns(), vocabulary_size()}).copy_(last);
  }

 private:
  std::span<float> parameter_memory() override {
    return span_of(flat_);
  }

  /// Adds the sum of micro-batches [first, last) to `to`, which is zero; add(i) adds that of one to where
  /// autograd adds. Sums of level `level` and higher are free.
  void add_up(const at::Tensor& to, std::int64_t first, std::int64_t last, std::size_t level,
              const std::function<void(std::int64_t)>& add) {
    if (last - first <= 2) {  // a pair shares its buffer: autograd adds to what is there
      add_gradients_to(to);
      for (std::int64_t number = first; number < last; ++number) add(number);
      return;
    }
    if (sums_.size() <= level) sums_.push_back(at::empty_like(flat_));
    const std::int64_t middle = split(first, last);
    add_up(to, first, middle, level, add);
    const at::Tensor right = sums_[level].zero_();
    add_up(right, middle, last, level + 1, add);
    at::Tensor(to).add_(right);
  }

  /// Autograd adds into a gradient that is there already: all of them together are the flat buffer.
  void add_gradients_to(const at::Tensor& flat) {
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      const Parameter& parameter = layout().parameters()[i];
      leaves_[i].mutable_grad() = view(flat.slice(0, parameter.offset), parameter.size, parameter.shape);
    }
    gradient_address_ = flat.data_ptr<float>();
  }

  /// The loss of one micro-batch; its gradient is added.
  void train(const Window& window, TorchState& state, const std::optional<DropoutKey>& key, at::Tensor to_loss,
             PhaseClock* clock) {
    if (window.columns == 0) {
      to_loss.zero_();
      return;
    }
#ifdef CHARRNN_CUDA
    if (device().cuda) {
      train_on_gpu(window, state, key, to_loss, clock);
      return;
    }
#endif
    if (clock != nullptr) clock->enter(Phase::kForward);
    const at::Tensor loss = losses(window, state, key, at::Reduction::Sum);
    if (clock != nullptr) clock->enter(Phase::kBackward);
    loss.backward();
    const c10::NoGradGuard no_grad;
    state.settle();
    to_loss.copy_(loss);
  }

  /// The first elements of a flat tensor, in a shape.
  static at::Tensor view(const at::Tensor& flat, std::int64_t size, at::IntArrayRef shape) {
    return flat.slice(0, 0, size).view(shape);
  }
  static TorchState& torch_state(HiddenState& state) {
    assert(dynamic_cast<TorchState*>(&state) != nullptr && "a state that another engine made");
    return static_cast<TorchState&>(state);
  }

  at::Tensor tokens(std::span<const std::int64_t> host, at::IntArrayRef shape) const {
    return at::from_blob(const_cast<std::int64_t*>(host.data()), shape, at::kLong).to(options_.device());
  }

  /// Logits, in float32 for the softmax.
  at::Tensor output_layer(const at::Tensor& outputs) const {
    const Autocast autocast(bf16_, options_.device().type());
    return at::linear(outputs, leaves_[leaves_.size() - 2], leaves_.back()).to(at::kFloat);
  }

  /// Outputs of the last layer [length, columns, hidden] for `inputs` [length, columns]. In bf16 those of most cells are
  /// bfloat16, as they are between layers.
  at::Tensor run(const at::Tensor& inputs, TorchState& state, const TorchDropout& dropout) {
    const Autocast autocast(bf16_, options_.device().type());
    at::Tensor x = dropout.of_input(at::embedding(leaves_[0], inputs));
    for (std::int64_t layer = 0; layer < config().layers; ++layer) {
      std::vector<at::Tensor> weights;
      for (const Parameter& parameter : layout().of_layer(layer)) {
        const at::Tensor& leaf = leaf_of(parameter);
        weights.push_back(parameter.role == Role::kRecurrentWeight ? dropout.of_weights(leaf, layer) : leaf);
      }
      const at::Tensor outputs = layers_[static_cast<std::size_t>(layer)]->run(x, weights, state.of_layer(layer));
      x = dropout.of_outputs(is_residual_ && layer > 0 ? outputs + x : outputs, layer);
    }
    return x;
  }

  const at::Tensor& leaf_of(const Parameter& parameter) const {
    return leaves_[static_cast<std::size_t>(&parameter - layout().parameters().data())];
  }

  /// Tells the layers if the parameters have changed since they last ran.
  void tell_layers() {
    if (std::exchange(seen_version_, parameter_version()) == parameter_version()) return;
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      const std::span<const Parameter> own = layout().of_layer(static_cast<std::int64_t>(layer));
      layers_[layer]->weights_changed({&leaf_of(own.front()), own.size()});
    }
  }

  /// Negative logarithms of the probabilities of `targets` [rows · columns], of every row or the last one.
  at::Tensor losses(const at::Tensor& inputs, const at::Tensor& targets, TorchState& state, const TorchDropout& dropout,
                    at::Reduction::Reduction reduction) {
    const at::Tensor outputs = run(inputs, state, dropout);
    const at::Tensor predicting = targets.numel() == inputs.numel() ? outputs.flatten(0, 1) : outputs[-1];
    return at::cross_entropy_loss(output_layer(predicting), targets, {}, reduction);
  }
  at::Tensor losses(const Window& window, HiddenState& state, const std::optional<DropoutKey>& key,
                    at::Reduction::Reduction reduction) {
    return losses(tokens(window.inputs, {window.length, window.columns}),
                  tokens(window.targets, {static_cast<std::int64_t>(window.targets.size())}), torch_state(state),
                  TorchDropout(config(), key ? at::tensor(dropout_key_words(*key)) : at::Tensor()), reduction);
  }

#ifdef CHARRNN_CUDA
  void train_on_gpu(const Window& window, TorchState& state, const std::optional<DropoutKey>& key, at::Tensor& to_loss,
                    PhaseClock* clock) {
    const std::int64_t inputs = std::ssize(window.inputs), targets = std::ssize(window.targets);
    const auto key_words = dropout_key_words(key.value_or(DropoutKey()));
    state.settle();
    if (clock != nullptr) clock->enter(Phase::kBackward);  // and the forward pass: they are one
    if (!steps_) steps_.emplace();
    steps_->run({window.length,
                 window.columns,
                 targets,
                 key.has_value(),
                 {state.address(), gradient_address_, to_loss.data_ptr()}},
                {window.inputs, window.targets, key_words}, [&](const at::Tensor& numbers) {
                  const at::Tensor key_on_gpu = key ? numbers.slice(0, inputs + targets) : at::Tensor();
                  const at::Tensor loss = losses(numbers.slice(0, 0, inputs).view({window.length, window.columns}),
                                                 numbers.slice(0, inputs, inputs + targets), state,
                                                 TorchDropout(config(), key_on_gpu), at::Reduction::Sum);
                  hooks_->begin();
                  loss.backward();
                  const c10::NoGradGuard no_grad;
                  state.settle();
                  to_loss.copy_(loss);
                });
  }

  /// Lets each backward pass, also a recorded one, record an event where a part of the gradient is complete.
  void mark_parts() {
    const std::vector<Range> parts = gradient_parts();
    std::vector<std::size_t> part_of_leaf;
    for (const Parameter& parameter : layout().parameters()) {
      const auto holds = [&](const Range& part) {
        return part.first <= parameter.offset && parameter.offset < part.end();
      };
      part_of_leaf.push_back(static_cast<std::size_t>(std::ranges::find_if(parts, holds) - parts.begin()));
    }
    // External: in a graph it is there for other streams.
    for (std::size_t i = 0; i < parts.size(); ++i) {
      part_events_.emplace_back(static_cast<unsigned>(cudaEventDisableTiming | cudaEventExternal));
    }
    hooks_.emplace(leaves_, std::move(part_of_leaf), [this](std::size_t part) { part_events_[part].record(); });
  }

  std::optional<RecordedSteps> steps_;
  std::vector<at::cuda::CUDAEvent> part_events_;  ///< in the order of gradient_parts()
  std::optional<GradientHooks> hooks_;
#endif

  std::vector<StateSpec> states_;
  bool is_residual_;  ///< CellSpec::is_residual
  bool bf16_;
  at::TensorOptions options_;
  at::Tensor flat_, flat_gradient_;
  at::Tensor losses_ = at::zeros({0}, options_);  ///< of a window's micro-batches
  const float* gradient_address_ = nullptr;       ///< of the buffer that autograd adds to
  std::vector<at::Tensor> sums_;                  ///< of right subtrees, by level; like flat_
  std::vector<at::Tensor> leaves_;                ///< in the layout's order
  std::vector<std::unique_ptr<TorchLayer>> layers_;
  std::uint64_t seen_version_ = 0;  ///< of the parameters
};

}  // namespace

std::unique_ptr<LanguageModel> make_torch_language_model(const ModelConfig& config, std::int64_t vocabulary_size,
                                                         MakeTorchLayer make_layer, Precision precision,
                                                         Device device) {
  return std::make_unique<TorchLanguageModel>(config, vocabulary_size, make_layer, precision, device);
}

}  // namespace charrnn
