// The symbols a model knows, and the way from characters to tokens and back.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace charrnn {

using Token = std::uint16_t;

/// How text becomes symbols.
struct VocabularyOptions {
  bool bytes = false;         ///< every byte is a symbol, 256 of them; the other options do not apply
  bool full = false;          ///< every character of the whole text, by code point, after '\0'; none is unknown
  bool lowercase = false;     ///< Unicode's simple lowercase mapping first
  std::int64_t min_freq = 1;  ///< characters seen less often in the training part are unknown
  bool operator==(const VocabularyOptions&) const = default;
};

/// Tokens number the symbols:
///   default  <unk> = 0, <pad> = 1, then by falling frequency in the training part, ties by code point
///   full     '\0' = 0, then by code point
///   bytes    the byte's value
class Vocabulary {
 public:
  /// From character counts (ordered by code point) of the part that decides: the training part, or the whole
  /// text if options.full. Counts are of characters after lowercasing. DataError for more than 65,536
  /// symbols, or none.
  static Vocabulary from_counts(const std::map<char32_t, std::int64_t>& counts, const VocabularyOptions& options);
  /// From symbols as `symbols()` gives them, e.g. out of a checkpoint. DataError if they make no vocabulary.
  static Vocabulary from_symbols(const std::vector<std::string>& symbols, const VocabularyOptions& options);

  std::int64_t size() const { return static_cast<std::int64_t>(symbols_.size()); }
  const VocabularyOptions& options() const { return options_; }

  /// UTF-8 text of every token; '\0' and byte 0 are the empty string, bytes from 128 up are written as the
  /// characters U+0080 … U+00FF.
  const std::vector<std::string>& symbols() const { return symbols_; }
  std::optional<Token> unknown() const;
  std::optional<Token> padding() const;

  /// Token of a character as it stands in the text (lowercased here if the options say so), or of a byte in
  /// bytes mode. Unknown characters give unknown(), or nothing where the vocabulary has no such token.
  std::optional<Token> find(char32_t character) const;
  bool knows(char32_t character) const;

  /// Appends the text of a token, as it stood in the corpus (raw bytes in bytes mode; U+FFFD for unknown). The '\0' that
  /// every full vocabulary begins with adds nothing: hardly a text has one, and an untrained model would write it.
  void append_text(std::string& text, Token token) const;

 private:
  Vocabulary(std::vector<std::string> symbols, const VocabularyOptions& options);

  std::vector<std::string> symbols_;
  VocabularyOptions options_;
  std::array<std::int32_t, 128> ascii_{};  ///< token or -1: most characters of most texts, without a hash
  std::unordered_map<char32_t, Token> others_;
};

/// The tokens of a text, bytes in bytes mode. Characters that the vocabulary does not know are unknown(), or left out
/// where it has no such token; `unknown`, unless null, gets each of them once, by code point. UsageError naming `what`
/// for a text that is not UTF-8.
std::vector<std::int64_t> encode_text(const Vocabulary& vocabulary, std::string_view text, std::string_view what,
                                      std::set<char32_t>* unknown = nullptr);

}  // namespace charrnn
