// The GRU layer (torch.nn.GRU). Its new gate sees the hidden state's product only through the reset gate, so this
// product, its bias and its gradient are kept apart from the inputs'.
#include <algorithm>

#include "models/native/recurrent_layer.hpp"

namespace charrnn {

namespace {

class GruLayer final : public RecurrentLayer {
 public:
  explicit GruLayer(const NativeLayerOptions& options) : RecurrentLayer(3, options), bias_new_(units()) {}

 private:
  static constexpr std::int64_t kReset = 0, kUpdate = 1, kNew = 2;

  float* hidden_new(const StepShare& s) { return hidden_new_.data() + s.row * units(); }
  float* separate_hidden_bias(std::int64_t gate) override { return gate == kNew ? bias_new_.data() : nullptr; }

  void resize_cell(std::int64_t length, std::span<const Range> micro_batches) override {
    hidden_new_.grow(length * columns() * units());
    rows_of_micro_batches(hidden_new_.data(), units(), length, micro_batches, d_hidden_new_);
  }

  void multiply_hidden(const StepShare& s, const LeftFactor& hidden, bool inputs_in_gates) override {
    for (const std::int64_t gate : {kReset, kUpdate}) {
      multiply_gate(hidden, s, gate, gates(s.row) + gate * units(), gate_stride(), inputs_in_gates);
    }
    multiply_gate(hidden, s, kNew, hidden_new(s), units(), false);
    for (std::int64_t i = 0; i < s.columns && !inputs_in_gates; ++i) {
      std::fill_n(gates(s.row + i) + kNew * units() + s.units.first, s.units.count, 0.0F);
    }
  }

  void activate(const StepShare& s, const float* const* addends) override {
    kernels().gru_forward(s.columns, units(), s.units.first, s.units.count, gates(s.row), hidden_new(s), addends,
                          bias_new_.data(), h(s.t) + s.state, h(s.t + 1) + s.state);
  }

  void differentiate(const StepShare& s, const float* d_output) override {
    kernels().gru_backward(s.columns, units(), s.units.first, s.units.count, gates(s.row), hidden_new(s),
                           h(s.t) + s.state, d_output, d_h() + s.state);
  }

  /// d_h() has what goes past the gates already.
  void multiply_gradients(const StepShare& s) override {
    const Panels& w = hidden_weights();
    float* to = d_h() + s.state + s.units.first;
    LeftFactor({gates(s.row), gate_stride(), s.columns}, kNew * units(), w).multiply(to, units(), true, w, s.panels);
    LeftFactor({hidden_new(s), units(), s.columns}, units(), w)
        .multiply(to, units(), true, w, s.panels, kNew * units());
  }

  std::optional<std::pair<std::span<const MatrixRows>, std::int64_t>> separate_hidden_gradient(
      std::int64_t first) const override {
    if (first < kNew * units()) return std::nullopt;
    return std::pair{std::span<const MatrixRows>(d_hidden_new_), first - kNew * units()};
  }

  AlignedBuffer bias_new_;                ///< [units]: the hidden state's, of the new gate
  AlignedBuffer hidden_new_;              ///< [rows, units]: the hidden state's part of the new gate, then its gradient
  std::vector<MatrixRows> d_hidden_new_;  ///< of each micro-batch
};

}  // namespace

std::unique_ptr<NativeLayer> make_native_gru(const NativeLayerOptions& options) {
  return std::make_unique<GruLayer>(options);
}

}  // namespace charrnn
