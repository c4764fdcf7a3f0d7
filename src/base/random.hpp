// Randomness as a pure function: every random number of a run follows from (seed, what it is for, where it is
// used). No generator is carried along, so any rank can compute any number, and a resume needs no state.
#pragma once

#include <array>
#include <cstdint>

namespace charrnn {

/// One round of Philox4x32, in place. Always inlined: the native engine's kernels are compiled for several
/// instruction sets and must not share a function.
[[gnu::always_inline]] constexpr void philox_round(std::uint32_t& c0, std::uint32_t& c1, std::uint32_t& c2,
                                                   std::uint32_t& c3, std::uint32_t key0, std::uint32_t key1) {
  const std::uint64_t a = std::uint64_t{0xD2511F53} * c0;
  const std::uint64_t b = std::uint64_t{0xCD9E8D57} * c2;
  c0 = static_cast<std::uint32_t>(b >> 32) ^ c1 ^ key0;
  c1 = static_cast<std::uint32_t>(b);
  c2 = static_cast<std::uint32_t>(a >> 32) ^ c3 ^ key1;
  c3 = static_cast<std::uint32_t>(a);
}
inline constexpr int kPhiloxRounds = 10;
/// What is added to the two words of the key after each round.
inline constexpr std::uint32_t kPhiloxKeyStep0 = 0x9E3779B9, kPhiloxKeyStep1 = 0xBB67AE85;

/// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011): four random words
/// from a 128-bit counter and a 64-bit key.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    philox_round(counter[0], counter[1], counter[2], counter[3], key[0], key[1]);
    key[0] += kPhiloxKeyStep0;
    key[1] += kPhiloxKeyStep1;
  }
  return counter;
}

/// What a random number is for; part of the key, so that two uses never share numbers. Values are part of the
/// checkpoint's meaning (a resumed run must draw the same): append, never renumber.
enum class Purpose : std::uint32_t {
  kParameters = 1,
  kWindowLengths = 2,
  kDropout = 3,
  kSampling = 4,
  kCorpus = 5,
  kValidationSplit = 6,
  kShuffle = 7,
  kWeightDropout = 8
};

/// A stream of random words for one purpose and one place: (seed, purpose, three coordinates). The fourth
/// word of Philox's counter numbers the blocks inside the stream. What is constexpr is also compiled for
/// GPUs.
class RandomStream {
 public:
  constexpr RandomStream(std::uint64_t seed, Purpose purpose, std::uint64_t a = 0, std::uint32_t b = 0)
      : key_{static_cast<std::uint32_t>(seed) ^ (static_cast<std::uint32_t>(purpose) * 0x85EBCA6BU),
             static_cast<std::uint32_t>(seed >> 32)},
        counter_{0, b, static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(a >> 32)} {}

  /// Block number `index` of the stream, without moving the stream.
  constexpr std::array<std::uint32_t, 4> block(std::uint32_t index) const {
    return philox({index, counter_[1], counter_[2], counter_[3]}, key_);
  }

  const std::array<std::uint32_t, 2>& key() const { return key_; }
  /// Of block 0.
  const std::array<std::uint32_t, 4>& counter() const { return counter_; }

  /// The next 32 random bits.
  std::uint32_t next() {
    if (used_ == 4) {
      current_ = block(counter_[0]++);
      used_ = 0;
    }
    return current_[used_++];
  }

  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Standard normal (Box-Muller).
  double normal();

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> current_{};
  unsigned used_ = 4;
};

}  // namespace charrnn
