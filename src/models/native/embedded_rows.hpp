// The embedded character of every row as the first layer's input.
#pragma once

#include "models/native/dropout_mask.hpp"
#include "models/native/input_layer.hpp"

namespace charrnn {

/// For any layer, and with dropout of the input, for which every row is different.
class EmbeddedRows final : public InputLayer {
 public:
  /// `mask` is that of the input; it outlives this.
  EmbeddedRows(const float* embedding, std::int64_t vocabulary, std::int64_t size, const DropoutMask& mask,
               Precision precision)
      : InputLayer(embedding, vocabulary, size), mask_(mask), x_factor_(precision) {}

  void embed(std::int64_t part, std::int64_t parts) override;
  float* inputs() override { return x_.data(); }
  float* d_inputs() override { return d_x_.data(); }
  void backward(const Range& own) override;
  void prepare_gradients(std::int64_t part, std::int64_t parts) override { x_factor_.take(part, parts); }
  FactorRows input_factor() const override { return x_factor_.rows(0); }

 private:
  void start_window(std::int64_t length, std::span<const Range> micro_batches, bool trains) override;
  void add_gradient(const Range& block, std::int64_t micro_batch, float* sum,
                    AlignedBuffer& products) const override;

  const DropoutMask& mask_;
  std::span<const Range> micro_batches_;
  AlignedBuffer x_, d_x_;  ///< [rows, stride()]
  OuterFactor x_factor_;
  std::vector<MatrixRows> x_rows_;  ///< of each micro-batch
};

}  // namespace charrnn
