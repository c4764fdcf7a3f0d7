// A square of numbers whose rows and columns change places. Compiled for several instruction sets: all is inlined, and no
// function shared.
#pragma once

#include <utility>

namespace charrnn {

/// to[0]: a0 b0 a1 b1 … of the lower halves; to[1]: the same of the upper halves.
template <class Vector, int... I>
[[gnu::always_inline]] inline void interleave(Vector a, Vector b, Vector* to,
                                              std::integer_sequence<int, I...> /*lanes*/) {
  constexpr int kLanes = sizeof...(I);
  to[0] = __builtin_shufflevector(a, b, (I / 2 + I % 2 * kLanes)...);
  to[1] = __builtin_shufflevector(a, b, ((kLanes + I) / 2 + I % 2 * kLanes)...);
}

/// As many rows as a Vector has numbers. To interleave row i with row i + half of them, for all i, is to rotate the bits of
/// every element's address by one: as often as a row number has bits, and rows and columns have changed places.
template <class Vector>
[[gnu::always_inline]] inline void transpose_square(Vector* rows) {
  constexpr int kLanes = sizeof(Vector) / sizeof(rows[0][0]);
  for (int round = 1; round < kLanes; round *= 2) {
    Vector next[kLanes];
    for (int i = 0; i < kLanes / 2; ++i) {
      interleave(rows[i], rows[i + kLanes / 2], next + 2 * i, std::make_integer_sequence<int, kLanes>());
    }
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
}

}  // namespace charrnn
