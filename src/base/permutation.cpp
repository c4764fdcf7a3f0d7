#include "base/permutation.hpp"

#include <algorithm>
#include <cmath>

namespace charrnn {

RandomPermutation::RandomPermutation(std::int64_t size, std::uint64_t seed, Purpose purpose, std::uint64_t number)
    : size_(size),
      rows_(std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(size)))))),
      columns_((size + rows_ - 1) / rows_),
      seed_(seed),
      purpose_(purpose),
      number_(number) {}

std::int64_t RandomPermutation::operator()(std::int64_t place) const {
  constexpr std::uint32_t kRounds = 6;
  do {
    std::int64_t row = place % rows_, column = place / rows_;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      std::int64_t& changed = round % 2 == 0 ? row : column;
      const std::int64_t other = round % 2 == 0 ? column : row;
      const std::uint32_t word =
          RandomStream(seed_, purpose_, number_, round).block(static_cast<std::uint32_t>(other))[0];
      changed = (changed + word) % (round % 2 == 0 ? rows_ : columns_);
    }
    place = column * rows_ + row;
  } while (place >= size_);
  return place;
}

}  // namespace charrnn
