// Sums over the ranks of a node, in memory that they share.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/range.hpp"
#include "base/shared_memory.hpp"

namespace charrnn {

/// Every rank of the node has as much memory as the others, and sums where the numbers lie. Each sum is cut into shares,
/// one for each rank: it adds up its share of all ranks' numbers, in their order, and puts the result into the memory of
/// all. The sums are numbered, 0, 1, …; nothing here waits.
class NodeSums {
 public:
  /// Bytes that a rank must share for so many floats.
  static std::size_t bytes_for(std::size_t floats);
  /// The ranks' memory, in the order of the ranks; `own`: which is this one. `shares` of a sum: no more than there are
  /// ranks; those that come later have none.
  NodeSums(std::vector<SharedMemory> memory, std::size_t own, std::size_t shares);

  /// Of this rank, for sums.
  std::span<float> memory() const { return floats_of(own_); }
  bool holds(std::span<const float> data) const;
  std::size_t ranks() const { return memory_.size(); }
  /// How many sums may be under way. Number n needs n - kMost to be complete.
  static constexpr std::uint64_t kMost = 256;

  /// This rank's numbers of the next sum lie there, in memory(); the other ranks' maybe at another place of theirs.
  void begin(std::span<float> data);
  /// Whether all ranks have begun a sum.
  bool have_begun(std::uint64_t number) const;
  /// The elements of this rank's share of a sum of so many.
  Range share(std::size_t elements) const;
  /// Adds up a part of a sum that all have begun. The result is in this rank's memory, or in everyone's.
  enum class Into { kOwn, kAll };
  void add(std::uint64_t number, const Range& part, Into into) const;
  /// Copies a part of this rank's memory to the other ranks.
  void spread(std::uint64_t number, const Range& part) const;
  /// This rank's share of a sum is in everyone's memory.
  void end(std::uint64_t number);
  /// Whether all ranks have ended a sum: this rank's memory holds all of it, and nobody needs it any longer.
  bool have_ended(std::uint64_t number) const;

 private:
  struct Seat;

  Seat& seat_of(std::size_t rank) const;
  std::span<float> floats_of(std::size_t rank) const;
  /// Where a rank has its numbers of a sum.
  float* place(std::size_t rank, std::uint64_t number) const;

  std::vector<SharedMemory> memory_;
  std::size_t own_, shares_;
  std::uint64_t begun_ = 0;
};

}  // namespace charrnn
