// One recurrent layer of the native engine over a window.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/range.hpp"
#include "models/model_kind.hpp"
#include "base/aligned_buffer.hpp"
#include "models/native/outer_products.hpp"
#include "models/native/weight.hpp"
#include "models/native/window_split.hpp"

namespace charrnn {

/// Parameters of one layer, or their gradients, with the names of PyTorch's modules.
template <class Float>
struct LayerParameters {
  Float *weight_ih, *weight_hh, *bias_ih, *bias_hh;
};

/// Rows are numbered t · columns + column.
class RecurrentLayer {
 public:
  /// `parameters` must outlive this.
  RecurrentLayer(Cell cell, std::int64_t inputs, std::int64_t hidden,
                 const LayerParameters<const float>& parameters, Precision precision);

  const Weight& weight_ih() const { return weight_ih_; }
  const Weight& weight_hh() const { return weight_hh_; }
  std::int64_t units() const { return units_; }  ///< padded
  std::int64_t panels() const { return units_ / kPanelWidth; }
  std::int64_t gate_units() const { return gate_units_; }  ///< of all gates together

  /// Takes share `part` of `parts` of the parameters as they are now; `mask` is that of dropout of the
  /// hidden-to-hidden weights, or null.
  void pack(std::int64_t part, std::int64_t parts, const float* mask);
  /// For a window of these groups of columns that so many threads will work on.
  void resize(std::int64_t length, std::span<const Range> groups, int threads);

  /// [rows, gate_units]: the inputs' products may come in here before forward(); backward() leaves the
  /// gradients of all that enters the gates.
  float* gates(std::int64_t row) { return gates_.data() + row * gate_units_; }
  /// [gate_units]: what is added to the products, for a GRU's new gate only to the inputs'.
  const float* bias() const { return bias_.data(); }
  /// By row: what is added to the products. After resize() the bias; inputs' products that are not in gates()
  /// may be put here, with the bias in them.
  std::span<const float*> addends() { return addends_; }
  /// State before time step t, which is the output of the one before: [columns, units].
  float* h(std::int64_t t) { return h_.data() + t * columns_ * units_; }
  float* c(std::int64_t t) { return c_.data() + t * columns_ * units_; }

  // Each thread of a group calls these with its share; `meet` returns when all of the group have called it.
  // They begin and end without: what a thread has not written itself it may read after a meeting.

  /// The products of inputs [rows, inputs], their rows padded(), come into gates().
  void multiply_inputs(const WindowShare& share, const float* inputs);
  /// `inputs_in_gates`: else they are in addends().
  void forward(const WindowShare& share, bool inputs_in_gates, const std::function<void()>& meet);
  /// d_outputs: [rows, units]. No gradient comes from what follows the window. Meets at every time step,
  /// after the last one too.
  void backward(const WindowShare& share, const float* d_outputs, const std::function<void()>& meet);
  /// The gradient of the layer's inputs, [rows, padded(inputs)], for these columns and panels of inputs;
  /// after backward().
  void input_gradient(const Range& columns, const Range& panels, float* d_inputs);

  /// Share `part` of what the gradients, and outputs_factor(), need. After forward() of all columns.
  void prepare_gradients(std::int64_t part, std::int64_t parts);
  /// The outputs as what rows of gradients are multiplied with; none if a row cannot be the first one there.
  FactorRows outputs_factor() const { return states_.rows(1); }
  /// Outputs of a block.
  std::int64_t gradient_block() const { return OuterProducts::block_of(gate_units_, units_, threads_); }
  std::int64_t gradient_blocks() const { return gate_units_ / gradient_block(); }
  /// Puts the gradients of `groups` for one block of outputs' parameters into `gradient`. `inputs` is the
  /// layer's input [rows, inputs], or none if another has to see to weight_ih.
  void put_gradients(std::int64_t block, const Range& groups, const FactorRows& inputs, const float* mask,
                     const LayerParameters<float>& gradient, OuterProducts& products) const;

 private:
  /// The gate that sees the hidden state's product apart from the inputs'.
  bool is_new_of_gru(std::int64_t gate) const { return cell_ == Cell::kGru && gate == 2; }
  /// Panels of a gate that belong to these of the units.
  Range of_gate(std::int64_t gate, const Range& units) const {
    return {gate * panels() + units.first, units.count};
  }
  void put_bias_gradient(std::int64_t first, std::int64_t count, const float* totals, float* gradient) const;

  Cell cell_;
  std::int64_t hidden_, units_, gate_units_;
  LayerParameters<const float> parameters_;
  Weight weight_ih_, weight_hh_;
  AlignedBuffer bias_;
  AlignedBuffer bias_new_;  ///< [units]: of a GRU's new gate the hidden state's
  std::vector<const float*> addends_;
  std::int64_t length_ = 0, columns_ = 0;
  int threads_ = 1;
  AlignedBuffer gates_, h_, c_;
  AlignedBuffer hidden_new_;  ///< of a GRU's new gate: the hidden state's part, or its gradient [rows, units]
  AlignedBuffer d_h_, d_c_;   ///< [columns, units]
  OuterFactor states_;        ///< h(0) … h(length)
  std::vector<MatrixRows> h_rows_, d_gates_, d_hidden_new_;  ///< of each group
};

}  // namespace charrnn
