#include "models/native/output_layer.hpp"

#include <algorithm>

namespace charrnn {

OutputLayer::OutputLayer(const float* weight, const float* bias, std::int64_t vocabulary, std::int64_t hidden,
                         Precision precision)
    : weight_(weight, 1, vocabulary, hidden, precision), bias_(bias) {}

void OutputLayer::resize(std::int64_t length, std::span<const Range> micro_batches, int threads,
                         bool keeps_logits) {
  length_ = length;
  columns_ = micro_batches.back().end();
  threads_ = threads;
  keeps_logits_ = keeps_logits;
  logits_.grow((keeps_logits ? length : 1) * columns_ * stride());
  losses_.resize(static_cast<std::size_t>(length * columns_));
  rows_of_micro_batches(logits_.data(), stride(), length, micro_batches, d_logits_);
}

void OutputLayer::multiply_outputs(const float* outputs, std::int64_t count, float* logits) const {
  const Panels& weights = weight_.forward();
  LeftFactor({outputs, padded(weight_.inputs()), count}, weight_.inputs(), weights)
      .multiply(logits, stride(), false, weights, {0, weights.count()});
}

void OutputLayer::forward(const Range& columns, const float* outputs, std::span<const std::int64_t> targets) {
  const Kernels& kernel = kernels();
  const std::int64_t from = padded(weight_.inputs());
  for (std::int64_t t = 0; t < length_; ++t) {
    const std::int64_t row = t * columns_ + columns.first;
    multiply_outputs(outputs + row * from, columns.count, logits(t, columns.first));
    for (std::int64_t i = 0; i < columns.count; ++i) {
      const auto at = static_cast<std::size_t>(row + i);
      losses_[at] = kernel.softmax_loss(weight_.units(), logits(t, columns.first + i), bias_, targets[at]);
    }
  }
}

double OutputLayer::loss(const Range& columns) const {
  double sum = 0;
  for (std::int64_t t = 0; t < length_; ++t) {
    for (std::int64_t i = 0; i < columns.count; ++i) {
      sum += losses_[static_cast<std::size_t>(t * columns_ + columns.first + i)];
    }
  }
  return sum;
}

void OutputLayer::backward(const Range& columns, float* d_outputs) const {
  const std::int64_t to = padded(weight_.inputs());
  const Panels& weights = weight_.backward();
  LeftFactor({logits_.data() + columns.first * stride(), stride(), columns.count, length_, columns_},
             stride(), weights)
      .multiply(d_outputs + columns.first * to, to, false, weights, {0, weights.count()});
}

void OutputLayer::put_gradients(std::int64_t block, const Range& micro_batches, const FactorRows& outputs,
                                float* weight, float* bias, OuterProducts& products) const {
  const std::int64_t count = gradient_block(), first = block * count;
  products.sum(d_logits_, micro_batches, first, count, {OuterSum{outputs}, {}});
  weight_.put_gradient(first, count, products.sums(0), outputs.factor->stride(), weight);
  put(std::min(count, weight_.units() - first), products.totals(), bias + first);
}

void OutputLayer::predict(const float* outputs, std::int64_t count, float* logits) {
  logits_.grow(count * stride());
  multiply_outputs(outputs, count, logits_.data());
  for (std::int64_t row = 0; row < count; ++row) {
    for (std::int64_t v = 0; v < weight_.units(); ++v) {
      logits[row * weight_.units() + v] = logits_.data()[row * stride() + v] + bias_[v];
    }
  }
}

}  // namespace charrnn
