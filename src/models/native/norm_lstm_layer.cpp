// The layer of an LSTM whose cell state is normalised on its way to the output (models/cells.cpp has the formula).
#include <algorithm>

#include "models/native/lstm_layer.hpp"

namespace charrnn {

namespace {

class NormLstmLayer final : public LstmLayer {
 public:
  explicit NormLstmLayer(const NativeLayerOptions& options)
      : LstmLayer(options),
        flat_(options.flat),
        gain_at_(options.parameters[4].offset),
        bias_at_(options.parameters[5].offset),
        hidden_(options.hidden),
        gain_(units()),
        bias_(units()) {}

  void pack(std::int64_t part, std::int64_t parts, const float* mask) override {
    LstmLayer::pack(part, parts, mask);
    if (part != 0) return;
    put(hidden_, flat_ + gain_at_, gain_.data());
    put(hidden_, flat_ + bias_at_, bias_.data());
  }

  std::int64_t gradient_blocks() const override { return gate_blocks() + panels(); }

  void put_gradients(std::int64_t block, const Range& micro_batches, const FactorRows& inputs, const float* mask,
                     float* gradient, OuterProducts& products) const override {
    if (block < gate_blocks()) {
      return LstmLayer::put_gradients(block, micro_batches, inputs, mask, gradient, products);
    }
    const std::int64_t first = (block - gate_blocks()) * kPanelWidth;
    const std::int64_t count = std::min(kPanelWidth, hidden_ - first);
    products.sum(d_gain_, micro_batches, first, kPanelWidth, {});
    put(count, products.totals(), gradient + gain_at_ + first);
    products.sum(d_bias_, micro_batches, first, kPanelWidth, {});
    put(count, products.totals(), gradient + bias_at_ + first);
  }

 protected:
  bool works_on_rows() const override { return true; }

  void resize_cell(std::int64_t length, std::span<const Range> micro_batches) override {
    LstmLayer::resize_cell(length, micro_batches);
    const std::int64_t rows = length * columns();
    normal_.grow(rows * units());
    d_scaled_.grow(rows * units());
    scales_.grow(rows);
    rows_of_micro_batches(normal_.data(), units(), length, micro_batches, d_gain_);
    rows_of_micro_batches(d_scaled_.data(), units(), length, micro_batches, d_bias_);
  }

  void activate(const StepShare& s, const float* const* addends) override {
    kernels().norm_lstm_forward(s.columns, units(), gates(s.row), addends, norm(s), c(s.t) + s.state,
                                c(s.t + 1) + s.state, h(s.t + 1) + s.state);
  }

  void differentiate(const StepShare& s, const float* d_output) override {
    kernels().norm_lstm_backward(s.columns, units(), gates(s.row), norm(s), d_scaled_.data() + s.row * units(),
                                 c(s.t) + s.state, d_output, d_h() + s.state, d_c() + s.state);
  }

 private:
  CellNorm norm(const StepShare& s) {
    return {hidden_, gain_.data(), bias_.data(), normal_.data() + s.row * units(), scales_.data() + s.row};
  }

  const float* flat_;
  std::int64_t gain_at_, bias_at_;  ///< in a flat buffer
  std::int64_t hidden_;
  AlignedBuffer gain_, bias_;  ///< [units]

  // Of the window:
  AlignedBuffer normal_;                     ///< [rows, units]; after backward() each row's gradient of the gain
  AlignedBuffer d_scaled_;                   ///< [rows, units]: each row's gradient of the bias
  AlignedBuffer scales_;                     ///< [rows]
  std::vector<MatrixRows> d_gain_, d_bias_;  ///< of each micro-batch
};

}  // namespace

std::unique_ptr<NativeLayer> make_native_norm_lstm(const NativeLayerOptions& options) {
  return std::make_unique<NormLstmLayer>(options);
}

}  // namespace charrnn
