// A text whose pieces come in a random order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/permutation.hpp"

namespace charrnn {

/// The pieces of a text of `characters`, `piece` of them each, in an order that is a pure function of (seed, epoch).
/// What is left after the last whole piece stays at the end. By default there are no pieces: the text as it stands.
///
///     const PieceOrder order(/*characters=*/1'000'000, /*piece=*/65'536, /*seed=*/1);
///     order.visit(/*epoch=*/0, /*first=*/65'000, /*count=*/1'000, copy);   // two calls: it ends a piece, begins another
class PieceOrder {
 public:
  PieceOrder() = default;
  PieceOrder(std::int64_t characters, std::int64_t piece, std::uint64_t seed)
      : pieces_(characters / piece), piece_(piece), seed_(seed) {}

  /// Calls work(from, count, at) for the stretches of the text that characters first … first + count − 1 of an epoch
  /// are in: `from` is where one begins in the text, `at` its first character's place among the `count`.
  template <class Work>
  void visit(std::int64_t epoch, std::int64_t first, std::int64_t count, const Work& work) const {
    const RandomPermutation order(pieces_, seed_, Purpose::kShuffle, static_cast<std::uint64_t>(epoch));
    for (std::int64_t at = 0; at < count;) {
      const std::int64_t place = (first + at) / piece_, within = (first + at) % piece_;
      const bool is_left_over = place >= pieces_;
      const std::int64_t from = (is_left_over ? place : order(place)) * piece_ + within;
      const std::int64_t length = is_left_over ? count - at : std::min(piece_ - within, count - at);
      work(from, length, at);
      at += length;
    }
  }

 private:
  std::int64_t pieces_ = 0, piece_ = 1;
  std::uint64_t seed_ = 0;
};

}  // namespace charrnn
