// The first layer's input products, once for each different character.
#pragma once

#include "models/native/input_layer.hpp"
#include "models/native/recurrent_layer.hpp"

namespace charrnn {

/// A window has far fewer different characters than characters: their products with the first layer's weights are made
/// once for each, and each micro-batch's gradients are added up by character before the products of the backward pass.
/// Without training they are kept for the next windows. For a layer with separate_inputs() and without dropout of the
/// input.
class CharacterProducts final : public InputLayer {
 public:
  /// `first`, the first layer, outlives this.
  CharacterProducts(const float* embedding, std::int64_t vocabulary, std::int64_t size, RecurrentLayer& first,
                    Precision precision)
      : InputLayer(embedding, vocabulary, size), first_(first), x_factor_(precision) {}

  /// The parameters have changed since the last window.
  void forget() { is_made_.clear(); }

  void embed(std::int64_t part, std::int64_t parts) override;
  void prepare_gradients(std::int64_t part, std::int64_t parts) override;
  void put_weight_gradient(std::int64_t block, const Range& micro_batches, float* gradient,
                           OuterProducts& products) const override;

 private:
  void start_window(std::int64_t length, std::span<const Range> micro_batches, bool trains) override;
  /// Numbers each micro-batch's own characters.
  void start_gradients(std::int64_t length, std::span<const Range> micro_batches);
  void add_gradient(const Range& block, std::int64_t micro_batch, float* sum, AlignedBuffer& products) const override;

  /// Of a number in different(): where its products are.
  std::int64_t row_of(std::int64_t number) const {
    return keeps_ ? different()[static_cast<std::size_t>(number)] : number;
  }

  RecurrentLayer& first_;
  bool keeps_ = false;                 ///< products are there by token, not by number in different()
  std::vector<char> is_made_;          ///< by token
  std::vector<std::int64_t> to_make_;  ///< the numbers in different() whose products this window makes
  std::int64_t at_once_ = 0;           ///< how many of them a product has: few where that spares loading LibTorch
  AlignedBuffer made_;                 ///< their products, if keeps_: then copied to products_ [to_make_, gate units]
  AlignedBuffer x_;                    ///< of these [to_make_, stride()]
  AlignedBuffer products_;             ///< with the bias [vocabulary or different, gate units]

  // To train: the characters of each micro-batch, in the order of different(), one micro-batch after the other, each
  // from OuterFactor::base() on.
  std::vector<std::vector<std::int64_t>> own_;  ///< by micro-batch: their numbers in different()
  std::vector<std::int64_t> own_row_;           ///< by row of the window: its character's row in own_x_
  std::vector<std::int64_t> rows_by_number_;    ///< while a micro-batch is numbered
  AlignedBuffer own_x_, d_products_;            ///< [characters, stride()], [characters, gate units]
  std::vector<MatrixRows> x_rows_, d_products_rows_;
  OuterFactor x_factor_;
};

}  // namespace charrnn
