#include "models/torch_language_model.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>

#include <tuple>
#include <utility>

#include "models/dropout.hpp"

namespace charrnn {

namespace {

class TorchState final : public HiddenState {
 public:
  TorchState(std::int64_t layers, std::int64_t columns, std::int64_t hidden, bool has_cell,
             at::TensorOptions options)
      : HiddenState(layers, columns, hidden, has_cell), options_(options) {
    zero();
  }

  void zero() override {
    h.assign(static_cast<std::size_t>(layers()), at::zeros({1, columns(), hidden()}, options_));
    if (has_cell()) c = h;
  }
  void store(std::span<float> to_h, std::span<float> to_c) const override {
    store_part(h, to_h);
    if (has_cell()) store_part(c, to_c);
  }
  void load(std::span<const float> from_h, std::span<const float> from_c) override {
    load_part(h, from_h);
    if (has_cell()) load_part(c, from_c);
  }

  std::vector<at::Tensor> h, c;  ///< one [1, columns, hidden] a layer

 private:
  void store_part(const std::vector<at::Tensor>& part, std::span<float> to) const {
    at::from_blob(to.data(), {layers(), columns(), hidden()}).copy_(at::cat(part));
  }
  void load_part(std::vector<at::Tensor>& part, std::span<const float> from) const {
    const at::Tensor all = at::from_blob(const_cast<float*>(from.data()), {layers(), columns(), hidden()});
    for (std::int64_t layer = 0; layer < layers(); ++layer) {
      part[static_cast<std::size_t>(layer)] =
          all.slice(0, layer, layer + 1).to(options_, false, /*copy=*/true);
    }
  }

  at::TensorOptions options_;
};

class TorchLanguageModel final : public LanguageModel {
 public:
  TorchLanguageModel(const ModelConfig& model, Cell cell, std::int64_t vocabulary, ParameterLayout parameters,
                     Device where)
      : LanguageModel(model, vocabulary, std::move(parameters), where),
        cell_(cell),
        options_(at::TensorOptions()
                     .dtype(at::kFloat)
                     .device(where.cuda ? at::Device(at::kCUDA, static_cast<at::DeviceIndex>(where.index))
                                        : at::Device(at::kCPU))),
        flat_(at::zeros({layout().size()}, options_)),
        flat_gradient_(at::zeros({layout().size()}, options_)) {
    for (const Parameter& parameter : layout().parameters()) {
      const auto view = [&](const at::Tensor& flat) {
        return flat.slice(0, parameter.offset, parameter.offset + parameter.size).view(parameter.shape);
      };
      at::Tensor leaf = view(flat_).detach();
      leaf.requires_grad_(true);
      // Autograd adds into a gradient that is there already: all of them together are the flat buffer.
      leaf.mutable_grad() = view(flat_gradient_);
      leaves_.push_back(std::move(leaf));
    }
  }

  std::span<float> parameters() override { return flat_span(flat_); }
  std::span<float> gradient() override { return flat_span(flat_gradient_); }

  std::vector<float> store_parameters() const override {
    std::vector<float> host(static_cast<std::size_t>(layout().size()));
    at::from_blob(host.data(), {layout().size()}).copy_(flat_);
    return host;
  }
  void load_parameters(std::span<const float> flat) override {
    flat_.copy_(at::from_blob(const_cast<float*>(flat.data()), {layout().size()}));
  }

  std::unique_ptr<HiddenState> make_state(std::int64_t columns) const override {
    return std::make_unique<TorchState>(config().layers, columns, config().hidden, cell_ == Cell::kLstm,
                                        options_);
  }

  double train(const Window& window, HiddenState& state, const DropoutKey& key) override {
    flat_gradient_.zero_();
    const at::Tensor loss = loss_sum(window, state, &key);
    loss.backward();
    for (auto* part : {&torch_state(state).h, &torch_state(state).c}) {
      for (at::Tensor& tensor : *part) tensor = tensor.detach();
    }
    return loss.item<double>();
  }

  double evaluate(const Window& window, HiddenState& state) override {
    const c10::NoGradGuard no_grad;
    return loss_sum(window, state, nullptr).item<double>();
  }

  void predict(std::span<const std::int64_t> inputs, std::int64_t length, HiddenState& state,
               std::span<float> logits) override {
    const c10::NoGradGuard no_grad;
    const at::Tensor outputs = run(tokens(inputs, length, state.columns()), state, nullptr);
    const at::Tensor last = at::linear(outputs[-1], leaves_[leaves_.size() - 2], leaves_.back());
    at::from_blob(logits.data(), {state.columns(), vocabulary_size()}).copy_(last);
  }

 private:
  static TorchState& torch_state(HiddenState& state) { return static_cast<TorchState&>(state); }
  static std::span<float> flat_span(const at::Tensor& flat) {
    return {flat.data_ptr<float>(), static_cast<std::size_t>(flat.numel())};
  }

  at::Tensor tokens(std::span<const std::int64_t> host, std::int64_t length, std::int64_t columns) const {
    return at::from_blob(const_cast<std::int64_t*>(host.data()), {length, columns}, at::kLong)
        .to(options_.device());
  }

  at::Tensor loss_sum(const Window& window, HiddenState& state, const DropoutKey* dropout) {
    const at::Tensor outputs = run(tokens(window.inputs, window.length, window.columns), state, dropout);
    const at::Tensor logits =
        at::linear(outputs.reshape({-1, config().hidden}), leaves_[leaves_.size() - 2], leaves_.back());
    const at::Tensor targets = tokens(window.targets, window.length, window.columns).reshape({-1});
    return at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum);
  }

  /// Output of the last layer [length, columns, hidden]. One layer a call: so the masks between them can be
  /// our own, which are the same on any number of ranks.
  at::Tensor run(const at::Tensor& inputs, HiddenState& state, const DropoutKey* dropout) {
    TorchState& carried = torch_state(state);
    at::Tensor x = at::embedding(leaves_[0], inputs);
    for (std::int64_t layer = 0; layer < config().layers; ++layer) {
      const auto l = static_cast<std::size_t>(layer);
      const at::TensorList weights(leaves_.data() + 1 + 4 * l, 4);
      const bool training = dropout != nullptr;
      if (cell_ == Cell::kLstm) {
        std::tie(x, carried.h[l], carried.c[l]) =
            at::lstm(x, {carried.h[l], carried.c[l]}, weights, true, 1, 0.0, training, false, false);
      } else if (cell_ == Cell::kGru) {
        std::tie(x, carried.h[l]) = at::gru(x, carried.h[l], weights, true, 1, 0.0, training, false, false);
      } else {
        std::tie(x, carried.h[l]) =
            at::rnn_tanh(x, carried.h[l], weights, true, 1, 0.0, training, false, false);
      }
      const bool between_layers = layer + 1 < config().layers;
      if (training && between_layers && config().dropout > 0) x = x * mask(*dropout, layer, x);
    }
    return x;
  }

  at::Tensor mask(const DropoutKey& key, std::int64_t layer, const at::Tensor& x) const {
    const std::int64_t length = x.size(0), columns = x.size(1), hidden = x.size(2);
    at::Tensor host = at::empty({length, columns, hidden}, at::kFloat);
    const std::span<float> values = flat_span(host);
    at::parallel_for(0, columns, 1, [&](std::int64_t first, std::int64_t last) {
      fill_dropout_mask(key, layer, config().dropout, length, columns, hidden, first, last, values);
    });
    return host.to(options_.device());
  }

  Cell cell_;
  at::TensorOptions options_;
  at::Tensor flat_, flat_gradient_;
  std::vector<at::Tensor>
      leaves_;  ///< in the layout's order: embedding, four a layer, output weight and bias
};

}  // namespace

std::unique_ptr<LanguageModel> make_torch_language_model(const ModelConfig& config, Cell cell,
                                                         std::int64_t vocabulary_size, ParameterLayout layout,
                                                         Device device) {
  return std::make_unique<TorchLanguageModel>(config, cell, vocabulary_size, std::move(layout), device);
}

}  // namespace charrnn
