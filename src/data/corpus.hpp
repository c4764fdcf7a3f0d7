// A text file as training and validation part. One rank scans it once; what all need to know then travels as
// a CorpusSummary, and every rank reads only the stretches of the file that it trains on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/text_source.hpp"
#include "data/vocabulary.hpp"

namespace charrnn {

struct CorpusOptions {
  VocabularyOptions vocabulary{};
  std::int64_t train_characters = 0;  ///< exact length of the training part; 0: by train_fraction
  double train_fraction = 0.8;        ///< floor(fraction * characters) characters
};

/// What one scan finds out. A character is a code point, or a byte in bytes mode.
struct CorpusSummary {
  std::string sha256;  ///< of the file's bytes
  std::int64_t bytes = 0;
  std::int64_t characters = 0;
  std::int64_t train_characters = 0;
  std::vector<std::string> symbols;   ///< of the vocabulary that the training part gives
  std::vector<std::int64_t> offsets;  ///< byte position of characters 0, kStride, 2 kStride, …

  static constexpr std::int64_t kStride = 1 << 16;

  /// To be sent to other ranks.
  std::string to_json() const;
  static CorpusSummary from_json(const std::string& text);
};

/// Reads the whole file once, and what is not for training again: checks that it is UTF-8, counts,
/// hashes. DataError with byte position or sizes for invalid UTF-8 and for parts that do not fit.
CorpusSummary scan_corpus(const TextSource& text, const CorpusOptions& options);

/// Encodes characters [first, first + tokens.size()) of the file. DataError for characters that a vocabulary
/// without unknown token does not have.
void encode(const TextSource& text, const CorpusSummary& summary, const Vocabulary& vocabulary, std::int64_t first,
            std::span<std::uint8_t> tokens);
void encode(const TextSource& text, const CorpusSummary& summary, const Vocabulary& vocabulary, std::int64_t first,
            std::span<Token> tokens);

}  // namespace charrnn
