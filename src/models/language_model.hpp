// The interface of a character-level language model: a whole window at a time. The trainer knows nothing
// else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/device.hpp"
#include "base/phase_clock.hpp"
#include "base/range.hpp"
#include "models/model_config.hpp"
#include "models/parameter_layout.hpp"

namespace charrnn {

/// Tokens of one window in host memory. There may be no column at all: then its loss is zero.
struct Window {
  std::span<const std::int64_t> inputs;   ///< [length, columns], row after row
  std::span<const std::int64_t> targets;  ///< the same shape, or [columns]: only the last row predicts
  std::int64_t length = 0;
  std::int64_t columns = 0;

  bool predicts_every() const { return targets.size() == inputs.size(); }
};

/// Where in a run a window is: dropout masks are a pure function of (seed, step, global column, layer, row,
/// unit).
struct DropoutKey {
  std::uint64_t seed = 0;
  std::int64_t step = 0;
  std::int64_t first_column = 0;  ///< global number of the window's column 0
};

/// What a recurrent model carries from window to window: h, and c for an LSTM, each [layers, columns,
/// hidden].
class HiddenState {
 public:
  virtual ~HiddenState() = default;
  HiddenState(const HiddenState&) = delete;
  HiddenState& operator=(const HiddenState&) = delete;

  std::int64_t layers() const { return layers_; }
  std::int64_t columns() const { return columns_; }
  std::int64_t hidden() const { return hidden_; }
  bool has_cell() const { return has_cell_; }
  /// Floats of h, and of c if there is one.
  std::size_t size() const { return static_cast<std::size_t>(layers_ * columns_ * hidden_); }

  virtual void zero() = 0;
  /// To and from host memory; `c` is empty for a model without cell state.
  virtual void store(std::span<float> h, std::span<float> c) const = 0;
  virtual void load(std::span<const float> h, std::span<const float> c) = 0;

 protected:
  HiddenState(std::int64_t layers, std::int64_t columns, std::int64_t hidden, bool has_cell)
      : layers_(layers), columns_(columns), hidden_(hidden), has_cell_(has_cell) {}

 private:
  std::int64_t layers_, columns_, hidden_;
  bool has_cell_;
};

/// Some columns of a batch, whose losses and gradients are added up apart from the others', and the state
/// they start from; training moves it on.
struct TrainGroup {
  Window window;
  HiddenState* state;
};

/// A buffer, laid out and placed like LanguageModel::gradient(), for the gradient of so many groups, at least
/// one, added up along base/summation_tree.hpp.
struct GradientSum {
  std::int64_t groups;
  std::span<float> gradient;
};

/// Hears from train() while it computes, on the thread that called it. Must not throw.
class GradientListener {
 public:
  virtual ~GradientListener() = default;
  GradientListener(const GradientListener&) = delete;
  GradientListener& operator=(const GradientListener&) = delete;

  /// The next one of gradient_parts() has what it gets, in every sum.
  virtual void part_is_complete() = 0;
  /// Now and then: a moment for something else.
  virtual void poll() = 0;

 protected:
  GradientListener() = default;
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;
  LanguageModel(const LanguageModel&) = delete;
  LanguageModel& operator=(const LanguageModel&) = delete;

  const ModelConfig& config() const { return config_; }
  std::int64_t vocabulary_size() const { return vocabulary_size_; }
  const ParameterLayout& layout() const { return layout_; }
  const Device& device() const { return device_; }

  /// The flat buffers, laid out by layout(), in the memory of device().
  virtual std::span<float> parameters() = 0;
  virtual std::span<float> gradient() = 0;
  /// To be called by whoever has written to parameters(), before the model computes again.
  virtual void parameters_changed() {}
  /// Where train() completes a gradient part by part: the parts in that order, together all of layout().
  virtual std::vector<Range> gradient_parts() const { return {{0, layout_.size()}}; }
  /// From now on train() tells `listener`; null: nobody. A model that completes all at once, or has nothing
  /// to do, need not tell.
  void tell_gradient(GradientListener* listener) { listener_ = listener; }
  /// Parameters to and from host memory.
  virtual std::vector<float> store_parameters() const = 0;
  virtual void load_parameters(std::span<const float> flat) = 0;

  /// From now on train() tells `clock` its phases; null: nobody.
  void time_phases(PhaseClock* clock) { clock_ = clock; }

  /// A state of zeros for `columns` columns.
  virtual std::unique_ptr<HiddenState> make_state(std::int64_t columns) const = 0;

  /// Groups of neighbouring columns, their windows equally long: `losses` gets the sum of each group's losses
  /// in nats. The first of `sums` gets the gradient of the first groups' losses, and so on; what is in there
  /// is lost. A group's numbers do not depend on what other groups there are. Dropout is on if there is a key
  /// for it, that of the first group's first column.
  virtual void train(std::span<const TrainGroup> groups, const std::optional<DropoutKey>& key,
                     std::span<const GradientSum> sums, std::span<double> losses) = 0;
  /// Sum of the window's losses in nats, without dropout and gradient; moves the state on.
  virtual double evaluate(const Window& window, HiddenState& state) = 0;
  /// The same, one by one: the natural logarithm of the probability that the model gives to each target.
  virtual void log_probabilities(const Window& window, HiddenState& state, std::span<float> of_targets) = 0;
  /// Reads inputs [length, columns], writes the logits after the last row [columns, vocabulary]; moves the
  /// state on.
  virtual void predict(std::span<const std::int64_t> inputs, std::int64_t length, HiddenState& state,
                       std::span<float> logits) = 0;

 protected:
  LanguageModel(ModelConfig config, std::int64_t vocabulary_size, ParameterLayout layout, Device device)
      : config_(std::move(config)),
        vocabulary_size_(vocabulary_size),
        layout_(std::move(layout)),
        device_(device) {}
  PhaseClock* clock() const { return clock_; }
  GradientListener* listener() const { return listener_; }

 private:
  ModelConfig config_;
  std::int64_t vocabulary_size_;
  ParameterLayout layout_;
  Device device_;
  PhaseClock* clock_ = nullptr;
  GradientListener* listener_ = nullptr;
};

}  // namespace charrnn
