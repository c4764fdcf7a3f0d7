#include "data/corpus.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "data/utf8.hpp"

namespace charrnn {

namespace {

/// Walks over the characters of a file from a byte position on.
class Cursor {
 public:
  Cursor(const TextSource& text, bool bytes, std::int64_t offset, std::int64_t character)
      : text_(text), bytes_(bytes), at_(static_cast<std::size_t>(offset)), character_(character) {}

  bool at_end() const { return at_ == text_.bytes().size(); }
  std::int64_t offset() const { return static_cast<std::int64_t>(at_); }
  std::int64_t character() const { return character_; }

  char32_t next() {
    const unsigned char byte = text_.bytes()[at_];
    ++character_;
    if (bytes_ || byte < 0x80) {
      ++at_;
      return byte;
    }
    const DecodedCharacter decoded = decode_utf8(text_.bytes().subspan(at_));
    if (decoded.bytes == 0) fail(byte);
    at_ += static_cast<std::size_t>(decoded.bytes);
    return decoded.code_point;
  }

 private:
  [[noreturn]] void fail(unsigned byte) const {
    throw DataError(
        fmt::format("'{}' is not valid UTF-8 at byte {} (0x{:02x}, character {}); convert it (iconv -t UTF-8) or use "
                    "`bytes`",
                    text_.name(), at_, byte, character_ - 1));
  }

  const TextSource& text_;
  bool bytes_;
  std::size_t at_;
  std::int64_t character_;
};

void release(const TextSource& text, std::int64_t from, std::int64_t to) {
  text.release(text.bytes().subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(to - from)));
}

/// At character `first`.
Cursor cursor_at(const TextSource& text, const CorpusSummary& summary, bool bytes, std::int64_t first) {
  const std::int64_t mark = first / CorpusSummary::kStride;
  Cursor cursor(text, bytes, summary.offsets.at(static_cast<std::size_t>(mark)), mark * CorpusSummary::kStride);
  while (cursor.character() < first) cursor.next();
  return cursor;
}

constexpr std::size_t kCodePoints = 0x110000;

/// How often each character comes up.
class Counter {
 public:
  std::int64_t& operator[](char32_t character) { return counts_[character]; }
  std::map<char32_t, std::int64_t> counts(bool lowercase) const {
    std::map<char32_t, std::int64_t> found;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const auto character = static_cast<char32_t>(i);
      if (counts_[i] > 0) found[lowercase ? to_lower(character) : character] += counts_[i];
    }
    return found;
  }

 private:
  std::vector<std::int64_t> counts_ = std::vector<std::int64_t>(kCodePoints);
};

/// A vocabulary's tokens, each looked up once.
class TokenTable {
 public:
  explicit TokenTable(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}
  /// -1: the vocabulary lacks it.
  std::int32_t of(char32_t character) {
    std::int32_t& token = tokens_[character];
    if (token == kNotAsked) {
      const std::optional<Token> found = vocabulary_.find(character);
      token = found ? static_cast<std::int32_t>(*found) : -1;
    }
    return token;
  }

 private:
  static constexpr std::int32_t kNotAsked = -2;
  const Vocabulary& vocabulary_;
  std::vector<std::int32_t> tokens_ = std::vector<std::int32_t>(kCodePoints, kNotAsked);
};

std::string hash_of(const TextSource& text) {
  const std::span<const unsigned char> bytes = text.bytes();
  Sha256 digest;
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  for (std::size_t at = 0; at < bytes.size(); at += kPiece) {
    const std::span<const unsigned char> piece = bytes.subspan(at, std::min(kPiece, bytes.size() - at));
    digest.update(piece.data(), piece.size());
    text.release(piece);
  }
  return digest.hex();
}

std::int64_t train_length(const CorpusOptions& options, const std::string& path, std::int64_t characters) {
  if (options.train_characters == 0) {
    return static_cast<std::int64_t>(std::floor(options.train_fraction * static_cast<double>(characters)));
  }
  require(options.train_characters <= characters, "`train-characters` {} is more than the {} characters of '{}'",
          options.train_characters, characters, path);
  return options.train_characters;
}

template <class T>
void encode_range(const TextSource& text, const CorpusSummary& summary, const Vocabulary& vocabulary,
                  std::int64_t first, std::span<T> tokens) {
  TokenTable table(vocabulary);
  Cursor cursor = cursor_at(text, summary, vocabulary.options().bytes, first);
  const std::int64_t start = cursor.offset();
  for (T& token : tokens) {
    const char32_t character = cursor.next();
    const std::int32_t found = table.of(character);
    if (found < 0) {  // require() would write its message for every character
      throw DataError(fmt::format("'{}' has the character {} (number {}), which the vocabulary lacks", text.name(),
                                  printable(character), cursor.character() - 1));
    }
    token = static_cast<T>(found);
  }
  release(text, start, cursor.offset());
}

}  // namespace

CorpusSummary scan_corpus(const TextSource& text, const CorpusOptions& options) {
  const VocabularyOptions& symbols = options.vocabulary;
  CorpusSummary summary;
  summary.sha256 = hash_of(text);
  summary.bytes = static_cast<std::int64_t>(text.bytes().size());
  Counter counter;
  for (Cursor cursor(text, symbols.bytes, 0, 0); !cursor.at_end();) {
    if (cursor.character() % CorpusSummary::kStride == 0) {
      if (!summary.offsets.empty()) release(text, summary.offsets.back(), cursor.offset());
      summary.offsets.push_back(cursor.offset());
    }
    ++counter[cursor.next()];
    summary.characters = cursor.character();
  }
  summary.train_characters = train_length(options, text.name(), summary.characters);

  const bool needs_training_counts = !symbols.bytes && !symbols.full;
  if (needs_training_counts && summary.train_characters < summary.characters) {
    Cursor cursor = cursor_at(text, summary, false, summary.train_characters);
    for (std::int64_t from = cursor.offset(); !cursor.at_end();) {
      --counter[cursor.next()];
      if (cursor.character() % CorpusSummary::kStride == 0)
        release(text, std::exchange(from, cursor.offset()), cursor.offset());
    }
  }
  summary.symbols = Vocabulary::from_counts(counter.counts(symbols.lowercase), symbols).symbols();
  return summary;
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CorpusSummary, sha256, bytes, characters, train_characters, symbols, offsets)

std::string CorpusSummary::to_json() const {
  return nlohmann::json(*this).dump();
}

CorpusSummary CorpusSummary::from_json(const std::string& text) {
  return nlohmann::json::parse(text).get<CorpusSummary>();
}

void encode(const TextSource& text, const CorpusSummary& summary, const Vocabulary& vocabulary, std::int64_t first,
            std::span<std::uint8_t> tokens) {
  encode_range(text, summary, vocabulary, first, tokens);
}

void encode(const TextSource& text, const CorpusSummary& summary, const Vocabulary& vocabulary, std::int64_t first,
            std::span<Token> tokens) {
  encode_range(text, summary, vocabulary, first, tokens);
}

}  // namespace charrnn
