// The interface of a character-level language model: a whole window at a time. The trainer knows nothing
// else.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/device.hpp"
#include "base/phase_clock.hpp"
#include "base/range.hpp"
#include "config/model_config.hpp"
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

/// One tensor that a model carries from window to window, [layers, columns, width]: "h", and an LSTM's "c".
struct StateSpec {
  std::string name;
  std::int64_t layers = 0, width = 0;
  bool operator==(const StateSpec&) const = default;
};

/// What a recurrent model carries from window to window for some columns: tensors by name.
class HiddenState {
 public:
  virtual ~HiddenState() = default;
  HiddenState(const HiddenState&) = delete;
  HiddenState& operator=(const HiddenState&) = delete;

  std::int64_t columns() const { return columns_; }
  const std::vector<StateSpec>& specs() const { return specs_; }
  /// Floats of tensor number i of specs().
  std::size_t size(std::size_t i) const {
    return static_cast<std::size_t>(specs_[i].layers * columns_ * specs_[i].width);
  }

  virtual void zero() = 0;
  /// Zero, unless the flag is 0; it lies in the memory of the model's device, which looks at it when its queue comes
  /// to that.
  virtual void zero_if(const float* flag) {
    if (*flag != 0) zero();
  }
  /// Tensor number i of specs() to and from host memory.
  virtual void store(std::size_t i, std::span<float> to) const = 0;
  virtual void load(std::size_t i, std::span<const float> from) = 0;

 protected:
  HiddenState(std::vector<StateSpec> specs, std::int64_t columns) : specs_(std::move(specs)), columns_(columns) {}

 private:
  std::vector<StateSpec> specs_;
  std::int64_t columns_;
};

/// A micro-batch: some columns of a batch, whose losses and gradients are summed separately, and the state they
/// start from; training advances it.
struct TrainMicroBatch {
  Window window;
  HiddenState* state;
};

/// A buffer, laid out and placed like LanguageModel::gradient(), for the summed gradient of `micro_batches`
/// micro-batches, at least one, added up along base/summation_tree.hpp.
struct GradientSum {
  std::int64_t micro_batches;
  std::span<float> gradient;
};

/// Called by train() while it computes, on the thread that called it. Must not throw.
class GradientListener {
 public:
  virtual ~GradientListener() = default;
  GradientListener(const GradientListener&) = delete;
  GradientListener& operator=(const GradientListener&) = delete;

  /// The next entry of gradient_parts() is final in every GradientSum.
  virtual void part_is_complete() = 0;
  /// Of a model whose work is in a device's queue: it is final when the queue comes to this event (a cudaEvent_t).
  virtual void part_is_complete_at(void* /*event*/) { part_is_complete(); }
  /// Called at intervals, so that the listener can move communication forward.
  virtual void poll() = 0;

 protected:
  GradientListener() = default;
};

/// What train() works with beside the micro-batches.
struct TrainContext {
  /// Dropout is on if there is a key: that of the first micro-batch's first column.
  std::optional<DropoutKey> dropout = {};
  /// sums[0] receives the summed gradient of the first sums[0].micro_batches micro-batches, sums[1] that of the
  /// next ones, …; previous contents are overwritten. Together they cover all micro-batches.
  std::span<const GradientSum> sums = {};
  std::span<double> losses = {};  ///< gets the sum of each micro-batch's losses, nats
  /// Where there is one it gets them instead, in the memory of the model's device, and train() returns when all of its
  /// work is in the device's queue. Only with LibTorch's engine, whose parts are then complete in the order of the queue.
  std::span<float> queued_losses = {};
  GradientListener* listener = nullptr;  ///< may be null
  PhaseClock* clock = nullptr;           ///< books the step's phases; may be null
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
  std::span<const float> parameters() { return parameter_memory(); }
  /// The same to write to. Ask anew before every write: the model notices by the call that what it derived from
  /// the parameters (packed weights) is out of date.
  std::span<float> writable_parameters() {
    ++parameter_version_;
    return parameter_memory();
  }
  virtual std::span<float> gradient() = 0;
  /// Puts the gradient into that memory of device(), which must outlive the model's last train(); what it held is lost.
  virtual void set_gradient_memory(std::span<float> memory) = 0;
  /// Where train() completes a gradient part by part: the parts in that order, together all of layout().
  virtual std::vector<Range> gradient_parts() const { return {{0, layout_.size()}}; }
  /// Parameters to and from host memory.
  virtual std::vector<float> store_parameters() const = 0;
  virtual void load_parameters(std::span<const float> flat) = 0;

  /// A state of zeros for `columns` columns.
  virtual std::unique_ptr<HiddenState> make_state(std::int64_t columns) const = 0;

  /// Forward and backward pass of micro-batches of neighbouring columns, their windows equally long. A
  /// micro-batch's numbers do not depend on which others there are. A model that completes its whole gradient at
  /// once need not call the listener.
  virtual void train(std::span<const TrainMicroBatch> micro_batches, const TrainContext& context) = 0;
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
      : config_(std::move(config)), vocabulary_size_(vocabulary_size), layout_(std::move(layout)), device_(device) {}
  virtual std::span<float> parameter_memory() = 0;
  /// Another number after every writable_parameters().
  std::uint64_t parameter_version() const { return parameter_version_; }

 private:
  ModelConfig config_;
  std::int64_t vocabulary_size_;
  ParameterLayout layout_;
  Device device_;
  std::uint64_t parameter_version_ = 0;
};

}  // namespace charrnn
