#include "models/torch_language_model.hpp"

#include <c10/core/GradMode.h>

#include <utility>

#include "models/flat_tensor.hpp"
#include "models/recurrent_core.hpp"

namespace charrnn {

namespace {

std::unique_ptr<RecurrentCore> make_core(const ModelKind& kind, std::vector<at::Tensor> weights) {
  switch (kind.family) {
    case Family::kCellLoop:
      return make_cell_loop(kind.cell, std::move(weights));
    case Family::kCharLoop:
      return make_char_loop(kind.concat, std::move(weights));
    case Family::kStacked:
      break;
  }
  return make_stacked_layers(kind.cell, std::move(weights));
}

class TorchLanguageModel final : public LanguageModel {
 public:
  TorchLanguageModel(const ModelConfig& model, const ModelKind& kind, std::int64_t vocabulary,
                     ParameterLayout parameters, Device where)
      : LanguageModel(model, vocabulary, std::move(parameters), where),
        has_cell_(kind.cell == Cell::kLstm),
        options_(options_of(where)),
        flat_(at::zeros({layout().size()}, options_)),
        flat_gradient_(at::zeros({layout().size()}, options_)) {
    for (const Parameter& parameter : layout().parameters()) {
      at::Tensor leaf = view(flat_, parameter).detach();
      leaf.requires_grad_(true);
      leaves_.push_back(std::move(leaf));
    }
    add_gradients_to(gradient(), false);
    core_ = make_core(kind, {leaves_.begin() + 1, leaves_.end() - 2});
  }

  std::span<float> parameters() override { return span_of(flat_); }
  std::span<float> gradient() override { return span_of(flat_gradient_); }

  void add_gradients_to(std::span<float> buffer, bool from_zero) override {
    const at::Tensor flat = wrap(buffer, device());
    if (from_zero) flat.zero_();
    // Autograd adds into a gradient that is there already: all of them together are the flat buffer.
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      leaves_[i].mutable_grad() = view(flat, layout().parameters()[i]);
    }
  }

  std::vector<float> store_parameters() const override { return to_host(flat_); }
  void load_parameters(std::span<const float> flat) override { from_host(flat_, flat); }

  std::unique_ptr<HiddenState> make_state(std::int64_t columns) const override {
    return std::make_unique<TorchState>(config().layers, columns, config().hidden, has_cell_, options_);
  }

  double train(const Window& window, HiddenState& state, const std::optional<DropoutKey>& key) override {
    if (window.columns == 0) return 0;
    const PhaseScope scope(clock(), Phase::kForward);
    const at::Tensor loss = losses(window, state, key, at::Reduction::Sum);
    if (clock() != nullptr) clock()->enter(Phase::kBackward);
    loss.backward();
    torch_state(state).detach();
    return loss.item<double>();
  }

  double evaluate(const Window& window, HiddenState& state) override {
    if (window.columns == 0) return 0;
    const c10::NoGradGuard no_grad;
    return losses(window, state, std::nullopt, at::Reduction::Sum).item<double>();
  }

  void log_probabilities(const Window& window, HiddenState& state, std::span<float> of_targets) override {
    if (window.columns == 0) return;
    const c10::NoGradGuard no_grad;
    const at::Tensor host = at::from_blob(of_targets.data(), {static_cast<std::int64_t>(of_targets.size())});
    host.copy_(losses(window, state, std::nullopt, at::Reduction::None).neg());
  }

  void predict(std::span<const std::int64_t> inputs, std::int64_t length, HiddenState& state,
               std::span<float> logits) override {
    const c10::NoGradGuard no_grad;
    const at::Tensor last = output_layer(run(inputs, length, state, std::nullopt)[-1]);
    at::from_blob(logits.data(), {state.columns(), vocabulary_size()}).copy_(last);
  }

 private:
  static at::Tensor view(const at::Tensor& flat, const Parameter& parameter) {
    return flat.slice(0, parameter.offset, parameter.offset + parameter.size).view(parameter.shape);
  }
  static TorchState& torch_state(HiddenState& state) { return static_cast<TorchState&>(state); }

  at::Tensor tokens(std::span<const std::int64_t> host, at::IntArrayRef shape) const {
    return at::from_blob(const_cast<std::int64_t*>(host.data()), shape, at::kLong).to(options_.device());
  }

  at::Tensor output_layer(const at::Tensor& outputs) const {
    return at::linear(outputs, leaves_[leaves_.size() - 2], leaves_.back());
  }

  /// Outputs of the last layer [length, columns, hidden].
  at::Tensor run(std::span<const std::int64_t> inputs, std::int64_t length, HiddenState& state,
                 const std::optional<DropoutKey>& key) {
    const TorchDropout dropout(config(), key, options_);
    const at::Tensor x = at::embedding(leaves_[0], tokens(inputs, {length, state.columns()}));
    return core_->run(dropout.of_input(x), torch_state(state), dropout);
  }

  /// Negative logarithms of the targets' probabilities.
  at::Tensor losses(const Window& window, HiddenState& state, const std::optional<DropoutKey>& key,
                    at::Reduction::Reduction reduction) {
    const at::Tensor outputs = run(window.inputs, window.length, state, key);
    const at::Tensor predicting = window.predicts_every() ? outputs.flatten(0, 1) : outputs[-1];
    const at::Tensor targets = tokens(window.targets, {static_cast<std::int64_t>(window.targets.size())});
    return at::cross_entropy_loss(output_layer(predicting), targets, {}, reduction);
  }

  bool has_cell_;
  at::TensorOptions options_;
  at::Tensor flat_, flat_gradient_;
  std::vector<at::Tensor> leaves_;  ///< in the layout's order: embedding, the core's, output weight and bias
  std::unique_ptr<RecurrentCore> core_;
};

}  // namespace

std::unique_ptr<LanguageModel> make_torch_language_model(const ModelConfig& config, const ModelKind& kind,
                                                         std::int64_t vocabulary_size, ParameterLayout layout,
                                                         Device device) {
  return std::make_unique<TorchLanguageModel>(config, kind, vocabulary_size, std::move(layout), device);
}

}  // namespace charrnn
