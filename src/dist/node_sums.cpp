#include "dist/node_sums.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <new>
#include <utility>

namespace charrnn {

/// At the beginning of a rank's memory: how far it is, for the others to see.
struct NodeSums::Seat {
  alignas(64) std::atomic<std::uint64_t> begun{0};  ///< sums
  alignas(64) std::atomic<std::uint64_t> ended{0};
  alignas(64) std::array<std::uint64_t, kMost> offsets{};  ///< of the numbers of sums that have begun, in floats
};

static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "processes share these");

std::size_t NodeSums::bytes_for(std::size_t floats) {
  return sizeof(Seat) + floats * sizeof(float);
}

NodeSums::NodeSums(std::vector<SharedMemory> memory, std::size_t own, std::size_t shares)
    : memory_(std::move(memory)), own_(own), shares_(shares) {}

NodeSums::Seat& NodeSums::seat_of(std::size_t rank) const {
  return *std::launder(reinterpret_cast<Seat*>(memory_[rank].bytes().data()));
}

std::span<float> NodeSums::floats_of(std::size_t rank) const {
  const std::span<std::byte> rest = memory_[rank].bytes().subspan(sizeof(Seat));
  return {reinterpret_cast<float*>(rest.data()), rest.size() / sizeof(float)};
}

bool NodeSums::holds(std::span<const float> data) const {
  const std::span<float> all = memory();
  return std::less_equal<>()(all.data(), data.data()) &&
         std::less_equal<>()(data.data() + data.size(), all.data() + all.size());
}

void NodeSums::begin(std::span<float> data) {
  Seat& seat = seat_of(own_);
  seat.offsets[begun_ % kMost] = static_cast<std::uint64_t>(data.data() - memory().data());
  seat.begun.store(++begun_, std::memory_order_release);
}

bool NodeSums::have_begun(std::uint64_t number) const {
  for (std::size_t rank = 0; rank < memory_.size(); ++rank) {
    if (seat_of(rank).begun.load(std::memory_order_acquire) <= number) return false;
  }
  return true;
}

Range NodeSums::share(std::size_t elements) const {
  if (own_ >= shares_) return {};
  constexpr std::int64_t kLine = 16;  // floats: two ranks do not write to one line of the cache
  const auto all = static_cast<std::int64_t>(elements);
  const Range lines =
      share_of(round_up(all, kLine) / kLine, static_cast<std::int64_t>(own_), static_cast<std::int64_t>(shares_));
  const std::int64_t first = lines.first * kLine;
  return {first, std::min(lines.end() * kLine, all) - first};
}

float* NodeSums::place(std::size_t rank, std::uint64_t number) const {
  return floats_of(rank).data() + seat_of(rank).offsets[number % kMost];
}

void NodeSums::add(std::uint64_t number, const Range& part, Into into) const {
  constexpr std::int64_t kBlock = 1024;  // stays in the nearest cache
  std::array<float, kBlock> sum;
  for (std::int64_t at = part.first; at < part.end(); at += kBlock) {
    const std::int64_t count = std::min(kBlock, part.end() - at);
    std::copy_n(place(0, number) + at, count, sum.begin());
    for (std::size_t rank = 1; rank < memory_.size(); ++rank) {
      const float* const more = place(rank, number) + at;
      for (std::int64_t i = 0; i < count; ++i) sum[static_cast<std::size_t>(i)] += more[i];
    }
    for (std::size_t rank = 0; rank < memory_.size(); ++rank) {
      if (rank == own_ || into == Into::kAll) std::copy_n(sum.begin(), count, place(rank, number) + at);
    }
  }
}

void NodeSums::spread(std::uint64_t number, const Range& part) const {
  for (std::size_t rank = 0; rank < memory_.size(); ++rank) {
    if (rank != own_) std::copy_n(place(own_, number) + part.first, part.count, place(rank, number) + part.first);
  }
}

void NodeSums::end(std::uint64_t number) {
  seat_of(own_).ended.store(number + 1, std::memory_order_release);
}

bool NodeSums::have_ended(std::uint64_t number) const {
  for (std::size_t rank = 0; rank < memory_.size(); ++rank) {
    if (seat_of(rank).ended.load(std::memory_order_acquire) <= number) return false;
  }
  return true;
}

}  // namespace charrnn
