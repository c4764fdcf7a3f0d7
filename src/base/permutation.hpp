// A shuffle without a list: any element of a pseudo-random permutation, computed from its place alone.
#pragma once

#include <cstdint>

#include "base/random.hpp"

namespace charrnn {

/// A permutation of 0 … size − 1 as a pure function of (seed, purpose, number). No memory, and every rank can
/// ask for any element. An unbalanced Feistel network over ⌈√size⌉ × ⌈size / ⌈√size⌉⌉ places (Black &
/// Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002): place = column · rows + row; six rounds,
/// in turn row ← (row + F(column)) mod rows and column ← (column + F(row)) mod columns, where F is the first
/// word of Philox block F's argument of stream (seed, purpose, number, round). A place beyond `size` goes
/// through again. Checkpoints depend on it: a resumed run must see the same order.
class RandomPermutation {
 public:
  RandomPermutation(std::int64_t size, std::uint64_t seed, Purpose purpose, std::uint64_t number = 0);

  std::int64_t size() const { return size_; }
  /// The element at `place`, 0 ≤ place < size().
  std::int64_t operator()(std::int64_t place) const;

 private:
  std::int64_t size_, rows_, columns_;
  std::uint64_t seed_;
  Purpose purpose_;
  std::uint64_t number_;
};

}  // namespace charrnn
