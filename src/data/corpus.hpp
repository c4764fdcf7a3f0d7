// A text as training and validation part. One rank scans it once; what all need to know then travels as a
// CorpusSummary, and the text itself as numbers of its characters.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/activity.hpp"
#include "base/scratch_file.hpp"
#include "data/text_source.hpp"
#include "data/vocabulary.hpp"

namespace charrnn {

struct CorpusOptions {
  VocabularyOptions vocabulary{};
  std::int64_t train_characters = 0;  ///< exact length of the training part; 0: by train_fraction
  double train_fraction = 0.8;        ///< floor(fraction * characters) characters
  /// What a checkpoint says of the text that it was trained on; empty: nothing. A text that has this SHA-256 only
  /// together with the byte order mark at its start is read with the mark as a character, as all programs before 0.6
  /// did.
  std::string known_sha256 = "";
  bool takes_bytes = true;  ///< the command has the option `bytes`, so an error may advise it
};

/// What a vocabulary keeps of a text.
struct VocabularyShare {
  std::int64_t different = 0;                           ///< characters of the text, each counted once
  std::int64_t known = 0;                               ///< those of them that the vocabulary has
  double unknown_training = 0, unknown_validation = 0;  ///< share of each part that it lacks
};

/// From this share of unknown characters on, a loss says so little that the user is warned.
inline constexpr double kLargeUnknownShare = 0.01;

/// What one scan finds out. A character is a code point, or a byte in bytes mode.
struct CorpusSummary {
  std::string sha256;  ///< of all members' bytes together, without byte order marks at their starts
  std::int64_t members = 0;
  std::string left_out;  ///< LeftOut::text()
  std::int64_t characters = 0;
  std::int64_t train_characters = 0;
  std::vector<std::string> symbols;  ///< of the vocabulary that the training part gives

  /// The text's different characters, by the numbers that they have in the NumberedText: first ASCII (or all bytes),
  /// then the others as they appear. And how often each is in the training part and in the rest.
  std::vector<std::uint32_t> alphabet;
  std::vector<std::int64_t> training_counts, validation_counts;
  std::vector<std::uint8_t> widths;  ///< of the NumberedText's blocks

  /// How much of the text `vocabulary` knows, which may be another text's.
  VocabularyShare share(const Vocabulary& vocabulary) const;

  /// To be sent to other ranks.
  std::string to_json() const;
  static CorpusSummary from_json(const std::string& text);
};

struct ScannedCorpus {
  CorpusSummary summary;
  std::shared_ptr<ScratchFile> numbers;  ///< of a NumberedText
};

/// Reads the whole text once: checks that it is UTF-8, hashes, counts and numbers it. DataError with file, member and
/// place for what is not, if possible with a command that mends it, and for parts that do not fit.
ScannedCorpus scan_corpus(const TextSource& text, const CorpusOptions& options, Activity& activity);

}  // namespace charrnn
