// Embedding and the first layer's input products of the native engine.
#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <span>
#include <vector>

#include "models/native/dropout_mask.hpp"
#include "models/native/recurrent_layer.hpp"

namespace charrnn {

/// A window has far fewer different characters than characters: their products with the first layer's
/// weights are computed once for each, and each group's gradients are added up by character before the
/// products of the backward pass. With dropout of the input every character is different.
class InputLayer {
 public:
  /// `embedding` [vocabulary, size] are the parameters; `mask` is that of its rows. All must outlive this.
  InputLayer(const float* embedding, std::int64_t vocabulary, std::int64_t size, RecurrentLayer& first,
             const DropoutMask& mask, Precision precision);

  /// A new window [length, columns] of these groups of columns, on one thread; after the mask's start().
  /// `trains`: for gradients.
  void start(std::span<const std::int64_t> tokens, std::int64_t length, std::span<const Range> groups,
             bool trains);

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
  /// Puts those of `groups` for one block of weight_ih's outputs (RecurrentLayer::gradient_blocks()) and,
  /// elsewhere, for one block of characters.
  void put_weight_gradient(std::int64_t block, const Range& groups, float* gradient,
                           OuterProducts& products) const;
  std::int64_t embedding_blocks() const { return (std::ssize(different_) + kCharacters - 1) / kCharacters; }
  /// A thread's own memory for it.
  struct Scratch {
    AlignedBuffer products;
    std::deque<AlignedBuffer> levels;  ///< sums of nodes of the tree over the groups
  };
  void put_embedding_gradient(std::int64_t block, const Range& groups, float* gradient,
                              Scratch& scratch) const;

 private:
  static constexpr std::int64_t kCharacters = 64;  ///< in a block of the embedding's gradient

  std::int64_t stride() const { return padded(size_); }
  std::int64_t inputs() const { return mask_.is_on() ? rows_ : std::ssize(different_); }
  /// Numbers every group's own characters.
  void start_groups(std::int64_t length, std::span<const Range> groups);
  // A group's gradient for the characters `block` of different_ comes to `sum`, which is zero.
  void add_masked_rows(const Range& block, std::int64_t group, float* sum) const;
  void add_products(const Range& block, std::int64_t group, float* sum, AlignedBuffer& products) const;

  const float* embedding_;
  std::int64_t size_;
  RecurrentLayer& first_;
  const DropoutMask& mask_;
  std::int64_t rows_ = 0;                ///< of the window
  std::vector<std::int64_t> number_;     ///< by token: its place in different_, −1: it is not there
  std::vector<std::int64_t> different_;  ///< the window's tokens, each once, ascending
  std::vector<std::int64_t> number_of_;  ///< by row: its token's place in different_
  AlignedBuffer x_;                      ///< [inputs(), stride()]: of every row if masked, else of different_
  AlignedBuffer products_;               ///< of different_ [different, gate units], with the bias
  OuterFactor x_factor_;
  std::vector<MatrixRows> x_rows_;  ///< of each group: what x_factor_ has

  // With a mask:
  AlignedBuffer d_x_;  ///< [rows, stride()]
  std::span<const Range> groups_;

  // Without one, the characters of each group, in the order of different_, group after group, at
  // OuterFactor::base():
  std::vector<std::vector<std::int64_t>> own_;  ///< by group: their places in different_
  std::vector<std::int64_t> place_of_;          ///< by row of the window: its character's row
  std::vector<std::int64_t> places_;            ///< by number, while a group is numbered
  AlignedBuffer own_x_, d_products_;            ///< [characters, stride()], [characters, gate units]
  std::vector<MatrixRows> d_products_rows_;
};

}  // namespace charrnn
