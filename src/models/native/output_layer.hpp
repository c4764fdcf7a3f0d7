// Output layer, softmax and loss of the native engine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/range.hpp"
#include "models/native/outer_products.hpp"
#include "models/native/weight.hpp"

namespace charrnn {

/// Rows are numbered t · columns + column, t from the first predicting time step on.
class OutputLayer {
 public:
  /// `weight` [vocabulary, hidden] and `bias` [vocabulary] are the parameters; they must outlive this.
  OutputLayer(const float* weight, const float* bias, std::int64_t vocabulary, std::int64_t hidden,
              Precision precision);

  void pack(std::int64_t part, std::int64_t parts) { weight_.pack(part, parts, nullptr); }
  /// For a window of `length` predicting time steps of these micro-batches' columns, worked on by `threads` threads.
  /// `keeps_logits`: for backward(); else there is room for one time step only.
  void resize(std::int64_t length, std::span<const Range> micro_batches, int threads, bool keeps_logits);

  /// Losses of these columns: −ln of the targets' probabilities, in rows of losses(). `outputs` [rows,
  /// padded(hidden)].
  void forward(const Range& columns, const float* outputs, std::span<const std::int64_t> targets);
  std::span<const double> losses() const { return losses_; }
  /// The sum of some columns' losses.
  double loss(const Range& columns) const;
  /// The gradient of `outputs`, after forward().
  void backward(const Range& columns, float* d_outputs) const;

  /// After backward() of all columns: a block of the gradients, summed over these micro-batches; `outputs` as for
  /// forward().
  std::int64_t gradient_blocks() const { return weight_.outputs() / gradient_block(); }
  void put_gradients(std::int64_t block, const Range& micro_batches, const FactorRows& outputs, float* weight,
                     float* bias, OuterProducts& products) const;

  /// Logits of single rows: outputs [count, padded(hidden)] to logits [count, vocabulary].
  void predict(const float* outputs, std::int64_t count, float* logits);

 private:
  /// Logits without bias of single rows.
  void multiply_outputs(const float* outputs, std::int64_t count, float* logits) const;
  std::int64_t stride() const { return weight_.outputs(); }
  std::int64_t gradient_block() const {
    return OuterProducts::block_of(weight_.outputs(), weight_.outputs(), threads_);
  }
  float* logits(std::int64_t t, std::int64_t column) {
    return logits_.data() + ((keeps_logits_ ? t : 0) * columns_ + column) * stride();
  }

  Weight weight_;
  const float* bias_;
  std::int64_t length_ = 0, columns_ = 0;
  int threads_ = 1;
  bool keeps_logits_ = true;
  AlignedBuffer logits_;              ///< d_logits after forward()
  std::vector<MatrixRows> d_logits_;  ///< of each micro-batch
  std::vector<double> losses_;
};

}  // namespace charrnn
