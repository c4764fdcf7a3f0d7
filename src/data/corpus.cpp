#include "data/corpus.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "base/utf8.hpp"
#include "data/decode_member.hpp"
#include "data/file_kind.hpp"
#include "data/numbered_text.hpp"

namespace charrnn {

namespace {

using Bytes = std::span<const unsigned char>;

/// Gives numbers to characters: to ASCII, or all bytes, from the start, to others as they come.
class Alphabet {
 public:
  explicit Alphabet(bool bytes) : numbers_(bytes ? 0 : kCodePoints, kNone), characters_(bytes ? kBytes : kAscii) {
    std::iota(characters_.begin(), characters_.end(), 0U);
  }

  /// Of a character beyond ASCII.
  std::uint32_t number_of(char32_t character) {
    std::uint32_t& number = numbers_[character];
    if (number == kNone) {
      number = static_cast<std::uint32_t>(characters_.size());
      characters_.push_back(character);
    }
    return number;
  }
  const std::vector<std::uint32_t>& characters() const { return characters_; }

 private:
  static constexpr std::size_t kAscii = 128, kBytes = 256, kCodePoints = 0x110000;
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::vector<std::uint32_t> numbers_;  // by code point
  std::vector<std::uint32_t> characters_;
};

/// One reading of a text.
class Scan {
 public:
  Scan(const TextSource& text, const CorpusOptions& options, Activity& activity)
      : text_(text),
        known_sha256_(options.known_sha256),
        takes_bytes_(options.takes_bytes),
        activity_(activity),
        alphabet_(options.vocabulary.bytes) {
    const std::unique_ptr<TextReader> reader = text.read(activity);
    while (reader->next_member()) {
      ++members_;
      if (options.vocabulary.bytes) {
        take_bytes(*reader);
      } else {
        take_text(*reader);
      }
    }
    left_out_ = reader->left_out().text();
  }

  /// What it found, but for how the text is divided. Once.
  NumberWriter::Written finish(CorpusSummary& summary) {
    NumberWriter::Written written = numbers_.finish();
    summary.sha256 = digest_.hex();
    summary.members = members_;
    summary.left_out = left_out_;
    summary.alphabet = alphabet_.characters();
    summary.widths = written.widths;
    written.counts.resize(summary.alphabet.size());
    summary.characters = std::accumulate(written.counts.begin(), written.counts.end(), std::int64_t{0});
    return written;
  }

 private:
  void take_bytes(TextReader& reader) {
    for (Bytes piece = reader.read(); !piece.empty(); piece = reader.read()) {
      digest_.update(piece.data(), piece.size());
      numbers_.add(piece);
    }
  }

  void take_text(TextReader& reader) {
    const auto mark_of = [&](Bytes start) { return members_ == 1 && has_known_mark(start) ? 0 : utf8_mark(start); };
    decode_member(reader, mark_of, takes_bytes_, [&](Utf8Decoder& decoder, Bytes piece) {
      digest_.update(piece.data(), piece.size());
      decoder.decode(
          piece, [&](Bytes ascii) { numbers_.add(ascii); },
          [&](char32_t character) { numbers_.add(alphabet_.number_of(character)); });
    });
  }

  /// Whether the text begins with a byte order mark, and is known to a checkpoint only together with it.
  bool has_known_mark(Bytes start) const {
    if (known_sha256_.empty() || utf8_mark(start) == 0) return false;
    const std::unique_ptr<TextReader> reader = text_.read(activity_);
    Sha256 digest;
    while (reader->next_member()) {
      for (Bytes piece = reader->read(); !piece.empty(); piece = reader->read()) {
        digest.update(piece.data(), piece.size());
      }
    }
    return digest.hex() == known_sha256_;
  }

  const TextSource& text_;
  const std::string& known_sha256_;
  bool takes_bytes_;
  Activity& activity_;
  Alphabet alphabet_;
  NumberWriter numbers_;
  Sha256 digest_;
  std::int64_t members_ = 0;
  std::string left_out_;
};

std::int64_t train_length(const CorpusOptions& options, const std::string& path, std::int64_t characters) {
  if (options.train_characters == 0) {
    return static_cast<std::int64_t>(std::floor(options.train_fraction * static_cast<double>(characters)));
  }
  require(options.train_characters <= characters, "`train-characters` {} is more than the {} characters of '{}'",
          options.train_characters, characters, path);
  return options.train_characters;
}

/// Characters of an alphabet that are there at all, as a vocabulary takes them, with how often.
std::map<char32_t, std::int64_t> by_character(const CorpusSummary& summary, const std::vector<std::int64_t>& counts,
                                              const VocabularyOptions& options) {
  std::map<char32_t, std::int64_t> found;
  for (std::size_t number = 0; number < counts.size(); ++number) {
    const auto character = static_cast<char32_t>(summary.alphabet[number]);
    if (counts[number] > 0) found[options.lowercase ? to_lower(character) : character] += counts[number];
  }
  return found;
}

}  // namespace

ScannedCorpus scan_corpus(const TextSource& text, const CorpusOptions& options, Activity& activity) {
  ScannedCorpus scanned;
  CorpusSummary& summary = scanned.summary;
  NumberWriter::Written written = Scan(text, options, activity).finish(summary);
  require(summary.characters > 0, "the corpus '{}' is empty", text.name());
  scanned.numbers = std::make_shared<ScratchFile>(std::move(written.file));

  summary.train_characters = train_length(options, text.name(), summary.characters);
  const std::int64_t rest = summary.characters - summary.train_characters;
  summary.training_counts = written.counts;
  summary.validation_counts.resize(written.counts.size());
  NumberedText(scanned.numbers, summary.widths, summary.characters)
      .visit(summary.train_characters, rest, [&](const auto& numbers, std::int64_t at) {
        activity.advance("counting", at, rest);
        count_numbers(numbers, summary.validation_counts);
        scanned.numbers->release();
      });
  summary.validation_counts.resize(written.counts.size());
  for (std::size_t i = 0; i < written.counts.size(); ++i) summary.training_counts[i] -= summary.validation_counts[i];

  const VocabularyOptions& vocabulary = options.vocabulary;
  summary.symbols =
      Vocabulary::from_counts(
          by_character(summary, vocabulary.full ? written.counts : summary.training_counts, vocabulary), vocabulary)
          .symbols();
  return scanned;
}

VocabularyShare CorpusSummary::share(const Vocabulary& vocabulary) const {
  std::int64_t known_training = 0, known_validation = 0;
  std::set<char32_t> different, known;
  for (std::size_t number = 0; number < alphabet.size(); ++number) {
    if (training_counts[number] + validation_counts[number] == 0) continue;
    const auto character = static_cast<char32_t>(alphabet[number]);
    const char32_t symbol = vocabulary.options().lowercase ? to_lower(character) : character;
    different.insert(symbol);
    if (!vocabulary.knows(character)) continue;
    known.insert(symbol);
    known_training += training_counts[number];
    known_validation += validation_counts[number];
  }
  const auto part = [](std::int64_t known_ones, std::int64_t all) {
    return all > 0 ? static_cast<double>(all - known_ones) / static_cast<double>(all) : 0;
  };
  return {.different = std::ssize(different),
          .known = std::ssize(known),
          .unknown_training = part(known_training, train_characters),
          .unknown_validation = part(known_validation, characters - train_characters)};
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(CorpusSummary, sha256, members, left_out, characters, train_characters, symbols,
                                   alphabet, training_counts, validation_counts, widths)

std::string CorpusSummary::to_json() const {
  return nlohmann::json(*this).dump();
}

CorpusSummary CorpusSummary::from_json(const std::string& text) {
  return nlohmann::json::parse(text).get<CorpusSummary>();
}

}  // namespace charrnn
