// From a text file to this rank's batches, for every command that reads a text.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "app/job.hpp"
#include "config/run_config.hpp"
#include "data/batches.hpp"
#include "data/corpus.hpp"
#include "data/mapped_file.hpp"
#include "data/vocabulary.hpp"
#include "data/window_batches.hpp"

namespace charrnn {

/// A text, scanned once by rank 0.
struct ScannedText {
  std::unique_ptr<MappedFile> file;
  CorpusSummary corpus;
};

/// Collective. DataError on every rank for a text that cannot be used.
ScannedText scan_text(const std::string& path, const CorpusOptions& options, Job& job);

CorpusOptions corpus_options(const DataConfig& data);
WindowLayout window_layout(const DataConfig& data);

/// Batches for an exact evaluation of characters first … last − 1 in so many columns, at most `rows` rows
/// each.
std::unique_ptr<Batches> evaluation_columns(const ScannedText& text, const Vocabulary& vocabulary,
                                            std::int64_t first, std::int64_t last, std::int64_t columns,
                                            std::int64_t rows, const Sharding& sharding, Job& job);

/// Where batches begin makes no difference to an evaluation; longer ones are faster, shorter ones need less
/// memory.
inline constexpr std::int64_t kEvaluationRows = 64;

/// The windows of a part of a text, by the seed's split.
std::unique_ptr<Batches> evaluation_windows(const ScannedText& text, const Vocabulary& vocabulary,
                                            const WindowLayout& layout, WindowPart part, std::int64_t seed,
                                            const Sharding& sharding, Job& job);

/// How the job's ranks share batches of `columns` columns: in reproducible mode a fixed number of micro-batches,
/// else one per rank.
Sharding make_sharding(const RunOptions& run, std::int64_t columns, const Job& job);

struct TrainingData {
  ScannedText text;
  std::optional<Vocabulary> vocabulary;
  std::unique_ptr<Batches> training;
  std::unique_ptr<Batches> validation;  ///< null: there is no validation part
  std::string shape;                    ///< a line for the screen: how the text is cut up
};

/// Collective. UsageError for more ranks than there is work for.
TrainingData load_training_data(const RunConfig& config, Job& job);

}  // namespace charrnn
