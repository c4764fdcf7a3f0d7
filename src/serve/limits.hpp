// How much clients may ask for.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>

namespace charrnn {

inline constexpr std::size_t kLongestBody = 256 << 10;                     ///< bytes of a request
inline constexpr std::size_t kLongestRequest = kLongestBody + (64 << 10);  ///< with its headers
inline constexpr std::chrono::seconds kRequestTime{10};                    ///< until all of a request is there
inline constexpr std::chrono::seconds kAnswerTime{60};                     ///< until a piece of an answer is taken
inline constexpr std::size_t kLongestPrime = 64 << 10;                     ///< bytes
inline constexpr std::size_t kLongestScored = 64 << 10;
inline constexpr std::size_t kLongestRead = 8 << 10;  ///< whose activations are wanted
inline constexpr int kLongestWritten = 10'000;        ///< characters
inline constexpr int kMostShownUnits = 64;
inline constexpr int kMostFollowers = 96;  ///< open /events
inline constexpr int kMostWriters = 4;     ///< texts that are being written
inline constexpr int kMostReaders = 8;     ///< texts that are being scored or looked into

/// So many at once: of connections that last.
class Places {
 public:
  explicit Places(int count) : free_(count) {}
  /// One of them, given back when the last copy is gone; null if there is none.
  std::shared_ptr<void> take() {
    if (free_.fetch_sub(1) <= 0) {
      ++free_;
      return nullptr;
    }
    return {this, [](void* places) { ++static_cast<Places*>(places)->free_; }};
  }

 private:
  std::atomic<int> free_;
};

/// So many a second, and up to `burst` after a pause (a token bucket).
class Rate {
 public:
  Rate(double per_second, double burst) : per_second_(per_second), burst_(burst), left_(burst) {}
  /// Whether there is one left at `now`, which is then used up.
  bool take(std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    const double passed = std::chrono::duration<double>(now - last_).count();
    left_ = std::min(burst_, left_ + passed * per_second_);
    last_ = now;
    if (left_ < 1) return false;
    --left_;
    return true;
  }

 private:
  const double per_second_, burst_;
  std::mutex mutex_;
  double left_;
  std::chrono::steady_clock::time_point last_ = {};
};

}  // namespace charrnn
