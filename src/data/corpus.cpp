#include "data/corpus.hpp"

#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "data/utf8.hpp"

namespace charrnn {

namespace {

/// Walks over the characters of a file from a byte position on.
class Cursor {
 public:
  Cursor(const MappedFile& file, bool bytes, std::int64_t offset, std::int64_t character)
      : file_(file), bytes_(bytes), at_(static_cast<std::size_t>(offset)), character_(character) {}

  bool at_end() const { return at_ == file_.bytes().size(); }
  std::int64_t offset() const { return static_cast<std::int64_t>(at_); }
  std::int64_t character() const { return character_; }

  char32_t next() {
    const unsigned char byte = file_.bytes()[at_];
    ++character_;
    if (bytes_ || byte < 0x80) {
      ++at_;
      return byte;
    }
    const DecodedCharacter decoded = decode_utf8(file_.bytes().subspan(at_));
    require(decoded.bytes > 0,
            "'{}' is not valid UTF-8 at byte {} (0x{:02x}, character {}); convert it (iconv -t UTF-8) or use "
            "--bytes",
            file_.path().string(), at_, byte, character_ - 1);
    at_ += static_cast<std::size_t>(decoded.bytes);
    return decoded.code_point;
  }

 private:
  const MappedFile& file_;
  bool bytes_;
  std::size_t at_;
  std::int64_t character_;
};

/// Counts characters; ASCII, nearly all of most texts, in a plain array.
class Counter {
 public:
  explicit Counter(bool lowercase) : lowercase_(lowercase) {}
  void add(char32_t character) {
    if (character < ascii_.size()) {
      ++ascii_[character];
    } else {
      ++others_[character];
    }
  }
  std::map<char32_t, std::int64_t> counts() const {
    std::map<char32_t, std::int64_t> all;
    for (const auto& [character, count] : others_) all[folded(character)] += count;
    for (char32_t character = 0; character < ascii_.size(); ++character) {
      if (ascii_[character] > 0) all[folded(character)] += ascii_[character];
    }
    return all;
  }

 private:
  char32_t folded(char32_t character) const { return lowercase_ ? to_lower(character) : character; }

  bool lowercase_;
  std::array<std::int64_t, 128> ascii_{};
  std::map<char32_t, std::int64_t> others_;
};

std::string hash_of(std::span<const unsigned char> bytes) {
  Sha256 digest;
  digest.update(bytes.data(), bytes.size());
  return digest.hex();
}

std::int64_t train_length(const CorpusOptions& options, const std::string& path, std::int64_t characters) {
  if (options.train_characters == 0) {
    return static_cast<std::int64_t>(std::floor(options.train_fraction * static_cast<double>(characters)));
  }
  require(options.train_characters <= characters,
          "--train-characters {} is more than the {} characters of '{}'", options.train_characters,
          characters, path);
  return options.train_characters;
}

template <class T>
void encode_range(const MappedFile& file, const CorpusSummary& summary, const Vocabulary& vocabulary,
                  std::int64_t first, std::span<T> tokens) {
  const std::int64_t mark = first / CorpusSummary::kStride;
  Cursor cursor(file, vocabulary.options().bytes, summary.offsets.at(static_cast<std::size_t>(mark)),
                mark * CorpusSummary::kStride);
  while (cursor.character() < first) cursor.next();
  for (T& token : tokens) {
    const char32_t character = cursor.next();
    const std::optional<Token> found = vocabulary.find(character);
    require(found.has_value(), "'{}' has the character {} (number {}), which the vocabulary lacks",
            file.path().string(), printable(character), cursor.character() - 1);
    token = static_cast<T>(*found);
  }
}

}  // namespace

CorpusSummary scan_corpus(const MappedFile& file, const CorpusOptions& options) {
  const VocabularyOptions& symbols = options.vocabulary;
  CorpusSummary summary;
  summary.sha256 = hash_of(file.bytes());
  summary.bytes = static_cast<std::int64_t>(file.bytes().size());
  Counter whole(symbols.lowercase);
  for (Cursor cursor(file, symbols.bytes, 0, 0); !cursor.at_end();) {
    if (cursor.character() % CorpusSummary::kStride == 0) summary.offsets.push_back(cursor.offset());
    whole.add(cursor.next());
    summary.characters = cursor.character();
  }
  summary.train_characters = train_length(options, file.path().string(), summary.characters);

  std::map<char32_t, std::int64_t> counts = whole.counts();
  const bool needs_training_counts = !symbols.bytes && !symbols.full;
  if (needs_training_counts && summary.train_characters < summary.characters) {
    Counter training(symbols.lowercase);
    for (Cursor cursor(file, false, 0, 0); cursor.character() < summary.train_characters;)
      training.add(cursor.next());
    counts = training.counts();
  }
  summary.symbols = Vocabulary::from_counts(counts, symbols).symbols();
  return summary;
}

std::string CorpusSummary::to_json() const {
  return nlohmann::json{{"sha256", sha256},         {"bytes", bytes},
                        {"characters", characters}, {"train_characters", train_characters},
                        {"symbols", symbols},       {"offsets", offsets}}
      .dump();
}

CorpusSummary CorpusSummary::from_json(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  CorpusSummary summary;
  json.at("sha256").get_to(summary.sha256);
  json.at("bytes").get_to(summary.bytes);
  json.at("characters").get_to(summary.characters);
  json.at("train_characters").get_to(summary.train_characters);
  json.at("symbols").get_to(summary.symbols);
  json.at("offsets").get_to(summary.offsets);
  return summary;
}

void encode(const MappedFile& file, const CorpusSummary& summary, const Vocabulary& vocabulary,
            std::int64_t first, std::span<std::uint8_t> tokens) {
  encode_range(file, summary, vocabulary, first, tokens);
}

void encode(const MappedFile& file, const CorpusSummary& summary, const Vocabulary& vocabulary,
            std::int64_t first, std::span<Token> tokens) {
  encode_range(file, summary, vocabulary, first, tokens);
}

}  // namespace charrnn
