#include "data/bptt_schedule.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/error.hpp"
#include "base/random.hpp"

namespace charrnn {

namespace {

constexpr double kSpread = 5;         // standard deviation of a length
constexpr double kHalfLength = 0.05;  // how often a window is drawn around half the length
constexpr std::int64_t kShortest = 5;

}  // namespace

BpttSchedule::BpttSchedule(std::uint64_t seed, std::int64_t rows, std::int64_t bptt, bool jitter)
    : seed_(seed), inputs_(rows - 1), bptt_(bptt), jitter_(jitter) {
  require(inputs_ >= bptt,
          "the columns have {} rows, too few for one window of `bptt` {}; use a longer text, fewer `columns` or a "
          "shorter `bptt`",
          rows, bptt);
  windows_ = jitter ? std::max<std::int64_t>(1, rows / bptt - 1) : (inputs_ + bptt - 1) / bptt;
}

std::vector<std::int64_t> BpttSchedule::lengths(std::int64_t epoch) const {
  std::vector<std::int64_t> lengths(static_cast<std::size_t>(windows_), bptt_);
  if (!jitter_) {
    lengths.back() = inputs_ - bptt_ * (windows_ - 1);
    return lengths;
  }
  RandomStream random(seed_, Purpose::kWindowLengths, static_cast<std::uint64_t>(epoch));
  const std::int64_t shortest = std::min(kShortest, bptt_);
  for (std::int64_t& length : lengths) {
    const double around = static_cast<double>(bptt_) * (random.uniform() < kHalfLength ? 0.5 : 1.0);
    length = std::max(shortest, static_cast<std::int64_t>(around + kSpread * random.normal()));
  }
  std::vector<std::size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[static_cast<std::size_t>(random.uniform() * static_cast<double>(i))]);
  }
  std::int64_t surplus = std::accumulate(lengths.begin(), lengths.end(), std::int64_t{0}) - inputs_;
  while (surplus != 0) {
    for (const std::size_t window : order) {
      if (surplus > 0 && lengths[window] > shortest) {
        --lengths[window];
        --surplus;
      } else if (surplus < 0) {
        ++lengths[window];
        ++surplus;
      }
    }
  }
  return lengths;
}

}  // namespace charrnn
