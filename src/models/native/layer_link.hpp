// What goes from a layer of the native engine to the next one, or to the output layer, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/aligned_buffer.hpp"
#include "models/native/dropout_mask.hpp"
#include "models/native/native_layer.hpp"

namespace charrnn {

/// After each layer: its outputs, with its inputs added if the cell is residual (CellSpec::is_residual), times a dropout
/// mask. Matrices are [rows, padded(units)]; a row is t · columns + column. Of forward() and backward() every thread
/// does its share of columns and units.
class LayerLink {
 public:
  LayerLink(NativeLayer& layer, DropoutMask dropout, std::int64_t units, bool adds_inputs, Precision precision)
      : layer_(layer), mask_(std::move(dropout)), units_(units), adds_inputs_(adds_inputs), factor_(precision) {}

  /// For a window of these micro-batches' columns. outputs_factor() begins with time step `first_step_read`.
  void start(const std::optional<DropoutKey>& key, std::int64_t length, std::span<const Range> micro_batches,
             std::int64_t first_step_read, bool trains);
  /// Makes the dropout mask of these columns; must come before forward().
  void draw_mask(const Range& columns) { mask_.draw(columns); }

  /// After the layer's own forward() with these inputs.
  void forward(const WindowShare& share, const float* inputs);
  const float* outputs() const { return is_apart() ? outputs_.data() : layer_.outputs(); }
  /// The gradient of outputs(), to be filled in; after backward() that of the sum before the mask.
  float* d_outputs() { return d_outputs_.data(); }
  /// Before the layer's own backward().
  void backward(const WindowShare& share);
  /// After it: adds what the inputs' own way to the outputs gives to their gradient. Inputs are as wide as outputs then,
  /// and a thread adds to what it has written itself.
  void add_to(float* d_inputs, const WindowShare& share) const;

  /// Share `part` of what outputs_factor() needs, after forward() of all columns.
  void prepare_factor(std::int64_t part, std::int64_t parts);
  /// outputs() as a factor of weight gradients.
  FactorRows outputs_factor() const;

 private:
  /// Whether outputs() are not the layer's own.
  bool is_apart() const { return mask_.is_on() || adds_inputs_; }
  bool has_layers_factor() const { return !is_apart() && layer_.outputs_factor().factor != nullptr; }
  std::int64_t stride() const { return padded(units_); }
  /// Calls work(at, count) for a share's units of each of its rows: `at` is where they begin in a matrix.
  template <class Work>
  void for_rows(const WindowShare& share, const Work& work) const;

  NativeLayer& layer_;
  DropoutMask mask_;
  std::int64_t units_;
  bool adds_inputs_;

  // Of the window:
  std::int64_t length_ = 0, columns_ = 0, first_step_read_ = 0;
  AlignedBuffer outputs_;  ///< if they are apart
  AlignedBuffer d_outputs_;
  OuterFactor factor_;            ///< of outputs(), unless the layer's own has them
  std::vector<MatrixRows> rows_;  ///< of each micro-batch, in the factor
};

}  // namespace charrnn
