// A shuffle without a list: any element of a pseudo-random permutation, computed from its place alone.
#pragma once

#include <cstdint>

#include "base/random.hpp"

namespace charrnn {

/// A permutation of 0 … size − 1 as a pure function of (seed, purpose, number). No memory, and every rank can
/// ask for any element. An unbalanced Feistel network over ⌈√size⌉ × ⌈size / ⌈√size⌉⌉ places (Black &
/// Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002) with Philox as its round function; the few
/// places beyond `size` are walked past.
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
