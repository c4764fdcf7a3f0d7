// Embedding and the first layer's input products of the native engine.
#pragma once

#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "models/native/dropout_mask.hpp"
#include "models/native/recurrent_layer.hpp"

namespace charrnn {

/// A window has far fewer different characters than characters: their products with the first layer's
/// weights are computed once for each, and its gradients are added up by character before the products of
/// the backward pass. With dropout of the input every character is different.
class InputLayer {
 public:
  /// `embedding` [vocabulary, size] are the parameters; `mask` is that of its rows. All must outlive this.
  InputLayer(const float* embedding, std::int64_t vocabulary, std::int64_t size, RecurrentLayer& first,
             const DropoutMask& mask, Precision precision);

  /// A new window, on one thread; after the mask's start().
  void start(std::span<const std::int64_t> tokens);

  /// For all parts: the inputs' products, in the first layer's gates or in its addends.
  void embed(std::int64_t part, std::int64_t parts);
  bool fills_gates() const { return mask_.is_on(); }

  /// After the first layer's backward() of these columns.
  void backward(const Range& columns);
  /// For all parts, after backward() of all columns; then the gradients.
  void prepare_gradients(std::int64_t part, std::int64_t parts);
  /// The first layer's input of every row, where it is that; none: put_weight_gradient() sees to weight_ih.
  FactorRows inputs_of_rows() const { return mask_.is_on() ? x_factor_.rows(0) : FactorRows{}; }
  /// The embedding's gradient becomes zero where it gets none from this window. For all parts.
  void clear_unseen(float* gradient, std::int64_t part, std::int64_t parts) const;
  /// Puts or adds those of one block of weight_ih's outputs (RecurrentLayer::gradient_blocks()) and,
  /// elsewhere, those of one block of characters.
  void put_weight_gradient(std::int64_t block, float* gradient, bool add, OuterProducts& products) const;
  std::int64_t embedding_blocks() const;
  void put_embedding_gradient(std::int64_t block, float* gradient, bool add, AlignedBuffer& scratch) const;

 private:
  static constexpr std::int64_t kCharacters = 64;  ///< in a block of the embedding's gradient

  std::int64_t stride() const { return padded(size_); }
  std::int64_t inputs() const { return mask_.is_on() ? rows_ : std::ssize(different_); }
  std::int64_t token_of(std::int64_t input) const {
    return different_[static_cast<std::size_t>(mask_.is_on() ? number_of_[static_cast<std::size_t>(input)]
                                                             : input)];
  }

  const float* embedding_;
  std::int64_t size_;
  RecurrentLayer& first_;
  const DropoutMask& mask_;
  std::int64_t rows_ = 0;                ///< of the window
  std::vector<std::int64_t> number_;     ///< by token: its place in different_, −1: it is not there
  std::vector<std::int64_t> different_;  ///< the window's tokens, each once
  std::vector<std::int64_t> number_of_;  ///< by row: its token's place in different_
  AlignedBuffer x_;                      ///< [inputs(), stride()]: of every row if masked, else of different_
  OuterFactor x_factor_;
  AlignedBuffer products_, d_products_;  ///< of different_ [different, gate units]; products_ with the bias
  AlignedBuffer d_x_;                    ///< of every row, if masked
};

}  // namespace charrnn
