// What RNN, GRU and LSTM have in common: gates of W_ih · x + W_hh · h and element-wise work on them.
#pragma once

#include <optional>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "models/native/native_layer.hpp"
#include "models/native/weight.hpp"

namespace charrnn {

/// The parameters are weight_ih, weight_hh, bias_ih, bias_hh, as in PyTorch's modules.
class RecurrentLayer : public NativeLayer {
 public:
  RecurrentLayer(std::int64_t gates, const NativeLayerOptions& options);

  std::int64_t panels() const override { return units_ / kPanelWidth; }
  std::int64_t bytes_per_step() const override { return weight_hh_.forward().bytes(); }
  std::int64_t recurrent_weights() const override { return weight_hh_.size(); }
  void pack(std::int64_t part, std::int64_t parts, const float* mask) override;
  void resize(std::int64_t length, std::span<const Range> micro_batches, int threads) override;
  float* state_before(std::size_t i) override { return state(i, 0); }
  const float* state_after(std::size_t i) override { return state(i, length_); }
  float* outputs() override { return h(1); }
  void forward(Worker& worker, const float* inputs) override;
  void backward(Worker& worker, const float* d_outputs, float* d_inputs) override;
  void prepare_gradients(std::int64_t part, std::int64_t parts) override { states_.take(part, parts); }
  FactorRows outputs_factor() const override { return states_.rows(1); }
  std::int64_t gradient_blocks() const override { return gate_blocks(); }
  void put_gradients(std::int64_t block, const Range& micro_batches, const FactorRows& inputs, const float* mask,
                     float* gradient, OuterProducts& products) const override;
  RecurrentLayer* separate_inputs() override { return this; }

  // For who makes the inputs' products.
  const Weight& weight_ih() const { return weight_ih_; }
  float* weight_ih_in(float* flat) const { return flat + offsets_.weight_ih; }
  std::int64_t gate_units() const { return gate_units_; }  ///< of all gates together
  std::int64_t gate_stride() const { return gate_units_ + kGateGap; }
  /// The first blocks of gradients, each for gradient_block() gate units; those of a cell's other parameters follow.
  std::int64_t gate_blocks() const { return gate_units_ / gradient_block(); }
  /// Gate units that a block of gradients is for.
  std::int64_t gradient_block() const { return OuterProducts::block_of(gate_units_, units_, threads_); }
  /// [gate_units()]: what is added to the products, of a GRU's new gate only to the inputs'.
  const float* bias() const { return bias_.data(); }
  /// By row: what is added to the hidden state's products. After resize() the bias; whoever makes the inputs' products
  /// may replace it by pointers to these, with the bias added.
  std::span<const float*> addends() { return addends_; }
  /// After backward() the gradient of all that enters the gates, from that row on: [gate_units()] each, gate_stride()
  /// apart.
  float* gates(std::int64_t row) { return gates_.data() + row * gate_stride(); }

 protected:
  /// A thread's share of a time step.
  struct StepShare {
    std::int64_t t;
    std::int64_t row;      ///< its first one
    std::int64_t columns;  ///< rows, from there on
    std::int64_t state;    ///< where the first one begins in [columns, units]
    Range panels, units;   ///< of each gate
  };

  std::int64_t units() const { return units_; }
  std::int64_t columns() const { return columns_; }
  const Panels& hidden_weights() const { return weight_hh_.backward(); }
  /// The hidden state before time step t, which is the output of the one before: [columns, units].
  float* h(std::int64_t t) { return h_.data() + t * columns_ * units_; }
  /// Its gradient from the next time step, [columns, units].
  float* d_h() { return d_h_.data(); }
  /// values [columns, units]: the share's become zero.
  void clear(const StepShare& share, float* values) const;
  /// Products of a time step's hidden state with one gate's weights, in or added to `to`, rows `stride` apart.
  void multiply_gate(const LeftFactor& hidden, const StepShare& share, std::int64_t gate, float* to,
                     std::int64_t stride, bool add) const;

  // What a cell adds. The defaults are for a cell with the one state h and gates that all see the same sum.

  /// Whether element-wise work needs all units of a row: then a thread group divides its columns for it, and waits once
  /// more in a time step.
  virtual bool works_on_rows() const { return false; }
  virtual float* state(std::size_t /*i*/, std::int64_t t) { return h(t); }
  virtual void resize_cell(std::int64_t /*length*/, std::span<const Range> /*micro_batches*/) {}
  /// Where a gate's part of bias_hh goes if it is not added to that of bias_ih: [units].
  virtual float* separate_hidden_bias(std::int64_t /*gate*/) { return nullptr; }
  /// Brings the hidden state's products into the gates, where the inputs' are already if `inputs_in_gates`.
  virtual void multiply_hidden(const StepShare& share, const LeftFactor& hidden, bool inputs_in_gates);
  /// From products to activations, and to the state after the time step.
  virtual void activate(const StepShare& share, const float* const* addends) = 0;
  /// The share is that of element-wise work, in no particular time step.
  virtual void start_backward(const StepShare& /*share*/) {}
  /// From activations to gradients of what enters the gates.
  virtual void differentiate(const StepShare& share, const float* d_output) = 0;
  /// From these to d_h() for the time step before.
  virtual void multiply_gradients(const StepShare& share);
  /// The gradients of what the hidden state gives to the gate units from `first` on, in which they begin at `second`,
  /// unless they are those of what the inputs give.
  virtual std::optional<std::pair<std::span<const MatrixRows>, std::int64_t>> separate_hidden_gradient(
      std::int64_t /*first*/) const {
    return std::nullopt;
  }

 private:
  /// Where the parameters begin in a flat buffer.
  struct Offsets {
    std::int64_t weight_ih, weight_hh, bias_ih, bias_hh;
  };

  StepShare share_of_step(const WindowShare& share, std::int64_t t) const;
  /// The same for element-wise work.
  StepShare element_share(const WindowShare& share, std::int64_t t) const;
  /// Between work that a thread group divides by rows and work that it divides by units.
  void wait_for_rows(Worker& worker) const {
    if (works_on_rows()) worker.wait(WaitFor::kThreadGroup);
  }
  void multiply_inputs(const WindowShare& share, const float* inputs);
  void multiply_to_inputs(const WindowShare& share, float* d_inputs);
  void put_bias_gradient(std::int64_t first, std::int64_t count, const float* totals, float* gradient) const;

  std::int64_t gate_count_, hidden_, units_, gate_units_;
  const float* flat_;
  Offsets offsets_;
  Weight weight_ih_, weight_hh_;
  AlignedBuffer bias_;

  // Of the window:
  std::int64_t length_ = 0, columns_ = 0;
  int threads_ = 1;
  std::vector<const float*> addends_;
  AlignedBuffer gates_, h_;
  AlignedBuffer d_h_;
  OuterFactor states_;                        ///< h(0) … h(length)
  std::vector<MatrixRows> h_rows_, d_gates_;  ///< of each micro-batch
};

}  // namespace charrnn
