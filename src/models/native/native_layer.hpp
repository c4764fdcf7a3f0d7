// One recurrent layer of the native engine.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/range.hpp"
#include "models/native/outer_products.hpp"
#include "models/native/step_plan.hpp"
#include "models/parameter_layout.hpp"
#include "models/precision.hpp"

namespace charrnn {

class RecurrentLayer;

struct NativeLayerOptions {
  std::int64_t inputs, hidden;
  std::span<const Parameter> parameters;  ///< the layer's own, in the order of CellSpec::parameters
  const float* flat;                      ///< the model's parameters; they outlive the layer
  Precision precision;
};

/// A layer over a window of columns. Rows are numbered t · columns + column; the units of a row are padded().
///
/// A window goes through resize() on one thread; then, on all threads of a plan (native/step_plan.hpp), pack() if the
/// parameters have changed, forward(), and to train backward(), prepare_gradients() and put_gradients(). None of these
/// synchronises on entry or exit: that is the plan's task, before a thread reads what others have written. Only within
/// a thread group may a layer wait there, if it divides its work in another way than WindowShare does.
class NativeLayer {
 public:
  virtual ~NativeLayer() = default;
  NativeLayer(const NativeLayer&) = delete;
  NativeLayer& operator=(const NativeLayer&) = delete;

  /// Panels of units that the threads of a group can divide among them, and bytes of the weights that each time step
  /// reads: they decide how threads share a window.
  virtual std::int64_t panels() const = 0;
  virtual std::int64_t bytes_per_step() const = 0;
  /// Elements of the weights that weight dropout is for (Role::kRecurrentWeight).
  virtual std::int64_t recurrent_weights() const = 0;

  /// Takes share `part` of `parts` of the parameters as they are now; the recurrent weights are multiplied with `mask`
  /// unless it is null.
  virtual void pack(std::int64_t part, std::int64_t parts, const float* mask) = 0;
  /// For a window of `length` time steps of these micro-batches' columns, worked on by `threads` threads.
  virtual void resize(std::int64_t length, std::span<const Range> micro_batches, int threads) = 0;

  /// State number i of CellSpec::states before the window, to be filled in, and after it: [columns, padded(width)].
  virtual float* state_before(std::size_t i) = 0;
  virtual const float* state_after(std::size_t i) = 0;
  /// [rows, padded(hidden)]
  virtual float* outputs() = 0;

  /// The outputs and states of the worker's columns and units. `inputs`: [rows, padded(inputs)], null if their products
  /// were made by other means (separate_inputs()).
  virtual void forward(Worker& worker, const float* inputs) = 0;
  /// From the gradient of the outputs [rows, padded(hidden)] to that of the inputs [rows, padded(inputs)], which is not
  /// wanted if `d_inputs` is null. No gradient comes from what follows the window. Polls at every time step.
  virtual void backward(Worker& worker, const float* d_outputs, float* d_inputs) = 0;

  /// Share `part` of what put_gradients() and outputs_factor() need, after forward() of all columns.
  virtual void prepare_gradients(std::int64_t part, std::int64_t parts) = 0;
  /// The outputs as a factor of weight gradients; none if they cannot begin at any row there.
  virtual FactorRows outputs_factor() const { return {}; }
  /// The gradients come in blocks, which different threads can work on.
  virtual std::int64_t gradient_blocks() const = 0;
  /// Puts a block of the parameters' gradient, summed over these micro-batches, into `gradient`, a buffer like the
  /// parameters'. `inputs` is the layer's input, or none if the input weights' gradient is computed elsewhere; `mask`
  /// as for pack().
  virtual void put_gradients(std::int64_t block, const Range& micro_batches, const FactorRows& inputs,
                             const float* mask, float* gradient, OuterProducts& products) const = 0;

  /// The layer, if its inputs' products can be made apart from its time steps (native/character_products.hpp).
  virtual RecurrentLayer* separate_inputs() { return nullptr; }

 protected:
  NativeLayer() = default;
};

std::unique_ptr<NativeLayer> make_native_rnn(const NativeLayerOptions& options);
std::unique_ptr<NativeLayer> make_native_gru(const NativeLayerOptions& options);
std::unique_ptr<NativeLayer> make_native_lstm(const NativeLayerOptions& options);
std::unique_ptr<NativeLayer> make_native_norm_lstm(const NativeLayerOptions& options);

}  // namespace charrnn
