// From a text file to this rank's batches, for every command that reads a text.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/activity.hpp"
#include "config/run_config.hpp"
#include "data/batches.hpp"
#include "data/corpus.hpp"
#include "data/numbered_text.hpp"
#include "data/text_source.hpp"
#include "data/vocabulary.hpp"
#include "data/window_batches.hpp"
#include "dist/communicator.hpp"

namespace charrnn {

/// A text, read once by rank 0, and stored once on every machine.
struct ScannedText {
  std::string name;  ///< for messages
  CorpusSummary corpus;
  std::shared_ptr<const NumberedText> numbers;
};

/// Collective. DataError on every rank for a text that cannot be used, Interrupted if the activity of one wants to
/// stop.
ScannedText scan_text(const TextSource& text, const CorpusOptions& options, Communicator& control, Activity& activity);

CorpusOptions corpus_options(const DataConfig& data);
WindowLayout window_layout(const DataConfig& data);

/// Rows of an evaluation's batches. The loss does not depend on it where the state is carried; longer batches are faster,
/// shorter ones need less memory.
inline constexpr std::int64_t kEvaluationRows = 64;

/// How an evaluation reads its columns.
struct ReadingOrder {
  std::int64_t columns = 1;
  std::int64_t rows = kEvaluationRows;  ///< of a batch, at most
  bool carries_state = true;            ///< from batch to batch; else each begins with zeros
};

/// Batches for an exact evaluation of characters first … last − 1.
std::unique_ptr<Batches> evaluation_columns(const ScannedText& text, const Vocabulary& vocabulary, std::int64_t first,
                                            std::int64_t last, const ReadingOrder& order, const Sharding& sharding,
                                            Communicator& control);

/// The windows of a part of a text, by the seed's split.
std::unique_ptr<Batches> evaluation_windows(const ScannedText& text, const Vocabulary& vocabulary,
                                            const WindowLayout& layout, WindowPart part, std::int64_t seed,
                                            const Sharding& sharding, Communicator& control);

/// What a checkpoint decides of a training's text.
struct KnownText {
  std::optional<Vocabulary> vocabulary;  ///< none: the text makes its own
  bool extend = false;                   ///< the vocabulary gets the text's further symbols at its end
  std::string sha256;                    ///< of the only text that will do; empty: any
  std::string checkpoint;                ///< the file, for messages
};

/// Characters among those to predict in an epoch of `batches`, on all ranks together, that the vocabulary does not
/// know. Collective, Interrupted as scan_text().
std::int64_t count_unknown(Batches& batches, const Vocabulary& vocabulary, Communicator& control, Activity& activity);

struct TrainingData {
  ScannedText text;
  std::optional<Vocabulary> vocabulary;
  std::int64_t new_symbols = 0;  ///< that a known vocabulary was extended by
  std::unique_ptr<Batches> training;
  std::unique_ptr<Batches> validation;  ///< null: there is no validation part
  std::string shape;                    ///< a line for the screen: how the text is cut up
};

/// Collective. The batches of this rank's columns. ConfigError for more ranks than columns; DataError for another text
/// than the one that is known, or one that the known vocabulary cannot write; Interrupted as scan_text().
TrainingData load_training_data(const RunConfig& config, const TextSource& text, const KnownText& known,
                                const Sharding& sharding, Communicator& control, Activity& activity);

/// DataError, with advice, if the text is not the one with this SHA-256.
void check_same_text(const ScannedText& text, const std::string& sha256);

}  // namespace charrnn
