// A stretch of a text as tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "data/corpus.hpp"
#include "data/numbered_text.hpp"
#include "data/vocabulary.hpp"

namespace charrnn {

/// A view of a stored text through a vocabulary. It takes no memory but for a token per character of the alphabet.
class TokenArray {
 public:
  /// Characters first … first + count − 1 of the text. DataError if the text has characters that a vocabulary without
  /// unknown token lacks.
  TokenArray(std::shared_ptr<const NumberedText> text, const CorpusSummary& summary, const Vocabulary& vocabulary,
             std::int64_t first, std::int64_t count);

  std::int64_t size() const { return size_; }

  /// to[i · stride] = token number first + i of this stretch, for `count` of them.
  void copy(std::int64_t first, std::int64_t count, std::int64_t* to, std::int64_t stride) const;

 private:
  std::shared_ptr<const NumberedText> text_;
  std::vector<Token> tokens_;  ///< by the character's number
  std::int64_t first_, size_;
};

}  // namespace charrnn
