// A stretch of a text as tokens.
#pragma once

#include <cstdint>
#include <memory>

#include "data/corpus.hpp"

namespace charrnn {

/// Encodes a stretch of the text once, in the smallest integer type (8 bits up to 256 symbols, else 16).
/// A small one lives in memory, a large one in an unlinked temporary file that is mapped, so that the kernel
/// may evict it. Only this stretch of the text is read.
class TokenArray {
 public:
  /// Characters first … first + count − 1 of the corpus.
  TokenArray(const TextSource& text, const CorpusSummary& summary, const Vocabulary& vocabulary, std::int64_t first,
             std::int64_t count);
  ~TokenArray();
  TokenArray(TokenArray&&) noexcept;

  std::int64_t size() const { return size_; }
  int bits() const { return wide_ ? 16 : 8; }

  /// to[i · stride] = token number first + i of this stretch, for `count` of them.
  void copy(std::int64_t first, std::int64_t count, std::int64_t* to, std::int64_t stride) const;

 private:
  class Storage;
  std::int64_t size_;
  bool wide_;
  std::unique_ptr<Storage> storage_;
};

}  // namespace charrnn
