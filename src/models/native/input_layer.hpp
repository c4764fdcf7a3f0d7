// The embedding, and what the first recurrent layer gets from it.
#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <span>
#include <vector>

#include "models/native/native_layer.hpp"

namespace charrnn {

/// What the two ways to feed the first layer have in common: EmbeddedRows (native/embedded_rows.hpp) gives it the
/// embedded character of every row, CharacterProducts (native/character_products.hpp) the finished products of every
/// different character. Both put gradients of the embedding, for blocks of characters.
class InputLayer {
 public:
  /// `embedding` [vocabulary, size] are the parameters, which outlive this.
  InputLayer(const float* embedding, std::int64_t vocabulary, std::int64_t size)
      : embedding_(embedding), size_(size), number_(static_cast<std::size_t>(vocabulary), -1) {}
  virtual ~InputLayer() = default;
  InputLayer(const InputLayer&) = delete;
  InputLayer& operator=(const InputLayer&) = delete;

  /// A new window [length, columns] of these micro-batches' columns, on one thread. `trains`: for gradients.
  void start(std::span<const std::int64_t> tokens, std::int64_t length, std::span<const Range> micro_batches,
             bool trains);

  /// Share `part` of `parts` of what the first layer's forward() needs.
  virtual void embed(std::int64_t part, std::int64_t parts) = 0;
  /// The first layer's inputs [rows, padded(size)] and where their gradient goes; null if it needs none.
  virtual float* inputs() { return nullptr; }
  virtual float* d_inputs() { return nullptr; }
  /// On a thread's own columns, after the first layer's backward() of its thread group.
  virtual void backward(const Range& /*own*/) {}
  /// Share `part` of what the gradients need, after backward() of all columns.
  virtual void prepare_gradients(std::int64_t part, std::int64_t parts) = 0;
  /// The first layer's input as a factor of its input weights' gradient; none: put_weight_gradient() computes it.
  virtual FactorRows input_factor() const { return {}; }
  virtual void put_weight_gradient(std::int64_t /*block*/, const Range& /*micro_batches*/, float* /*gradient*/,
                                   OuterProducts& /*products*/) const {}

  /// Share `part`: the embedding's gradient becomes zero for characters that the window does not have.
  void clear_unseen(float* gradient, std::int64_t part, std::int64_t parts) const;
  std::int64_t embedding_blocks() const { return (std::ssize(different_) + kCharacters - 1) / kCharacters; }
  /// A thread's own memory for put_embedding_gradient().
  struct Scratch {
    AlignedBuffer products;
    std::deque<AlignedBuffer> levels;  ///< sums of nodes of the tree over the micro-batches
  };
  /// The gradient of a block of characters, summed over these micro-batches.
  void put_embedding_gradient(std::int64_t block, const Range& micro_batches, float* gradient, Scratch& scratch) const;

 protected:
  std::int64_t size() const { return size_; }
  std::int64_t stride() const { return padded(size_); }
  std::int64_t vocabulary() const { return std::ssize(number_); }
  std::int64_t rows() const { return std::ssize(number_of_); }
  /// The window's tokens, each once, ascending; others refer to them by their number here.
  std::span<const std::int64_t> different() const { return different_; }
  std::int64_t number_of(std::int64_t row) const { return number_of_[static_cast<std::size_t>(row)]; }
  /// [size]
  const float* embedding_of(std::int64_t number) const {
    return embedding_ + different_[static_cast<std::size_t>(number)] * size_;
  }

 private:
  static constexpr std::int64_t kCharacters = 64;  ///< in a block of the embedding's gradient

  virtual void start_window(std::int64_t length, std::span<const Range> micro_batches, bool trains) = 0;
  /// A micro-batch's gradient for the characters `block` of different() is added to `sum` [block.count, stride()].
  virtual void add_gradient(const Range& block, std::int64_t micro_batch, float* sum,
                            AlignedBuffer& products) const = 0;

  const float* embedding_;
  std::int64_t size_;
  std::vector<std::int64_t> number_;  ///< by token: its number in different_; −1: it is not there
  std::vector<std::int64_t> different_;
  std::vector<std::int64_t> number_of_;  ///< by row
};

}  // namespace charrnn
