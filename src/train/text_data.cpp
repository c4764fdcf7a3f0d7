#include "train/text_data.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "data/column_batches.hpp"
#include "dist/agreement.hpp"
#include "dist/shared_file.hpp"

namespace charrnn {

namespace {

/// Batches of this rank's columns of a part of the text.
std::unique_ptr<Batches> make_columns(const ScannedText& text, const Vocabulary& vocabulary, const ColumnLayout& layout,
                                      const BpttSchedule& windows, const Sharding& sharding, bool carries_state = true,
                                      PieceOrder order = {}) {
  TokenArray tokens(text.numbers, text.corpus, vocabulary, layout.first_character(), layout.characters());
  return std::make_unique<ColumnBatches>(std::move(tokens), layout, sharding, windows, carries_state, order);
}

/// Windows for reading in order.
BpttSchedule evaluation_schedule(const ColumnLayout& layout, std::int64_t rows) {
  return {0, layout.rows(), std::clamp<std::int64_t>(layout.rows() - 1, 1, rows), false};
}

/// How many of the columns a rank has: "16", or "16 to 24".
std::string columns_text(std::int64_t columns, std::int64_t micro_batches, std::int64_t ranks) {
  std::int64_t least = columns, most = 0;
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    const std::int64_t count = Sharding(micro_batches, rank, ranks).columns_of_rank(columns).count;
    least = std::min(least, count);
    most = std::max(most, count);
  }
  return least == most ? std::to_string(least) : fmt::format("{} to {}", least, most);
}

/// The vocabulary with those of `symbols` that it lacks at its end, so that all others keep their tokens.
Vocabulary extended(const Vocabulary& vocabulary, const std::vector<std::string>& symbols) {
  std::vector<std::string> all = vocabulary.symbols();
  const std::set<std::string> old(all.begin(), all.end());
  std::ranges::copy_if(symbols, std::back_inserter(all),
                       [&](const std::string& symbol) { return !old.contains(symbol); });
  return Vocabulary::from_symbols(all, vocabulary.options());
}

Vocabulary choose_vocabulary(const ScannedText& text, const VocabularyOptions& options, const KnownText& known) {
  const std::vector<std::string>& symbols = text.corpus.symbols;
  if (!known.vocabulary) return Vocabulary::from_symbols(symbols, options);
  require(known.vocabulary->options() == options,
          "the checkpoint '{}' has another kind of vocabulary than its config says", known.checkpoint);
  Vocabulary vocabulary = known.extend ? extended(*known.vocabulary, symbols) : *known.vocabulary;
  if (!options.full) return vocabulary;
  // Nothing can be unknown to it, and `symbols` are all of the text.
  const std::set<std::string> has(vocabulary.symbols().begin(), vocabulary.symbols().end());
  const auto lacks = [&](const std::string& symbol) { return !has.contains(symbol); };
  const auto missing = std::ranges::find_if(symbols, lacks);
  require(missing == symbols.end(),
          "the vocabulary of '{}' lacks {} of the characters of '{}', the first is {}, and it has no <unk> "
          "(`full-vocabulary`): add them with `extend-vocabulary`",
          known.checkpoint, std::ranges::count_if(symbols, lacks), text.name,
          missing == symbols.end() ? "" : printable(decode_text(*missing, "a symbol").front()));
  return vocabulary;
}

void load_columns(const RunConfig& config, const Sharding& sharding, const Communicator& control, TrainingData& data) {
  const CorpusSummary& corpus = data.text.corpus;
  const std::int64_t columns = config.data.columns;
  const ColumnLayout layout(0, corpus.train_characters, columns);
  const ColumnLayout rest(corpus.train_characters, corpus.characters - corpus.train_characters, columns);
  const auto seed = static_cast<std::uint64_t>(config.run.seed);
  const BpttSchedule windows(seed, layout.rows(), config.data.bptt, config.data.bptt_jitter);
  PieceOrder order;
  const std::int64_t piece = config.data.shuffle;
  if (piece > 0) {
    require_option(piece <= layout.characters() / 2, "shuffle",
                   "pieces of {} characters cannot be put in another order in a training part of {}: lower `shuffle`",
                   piece, layout.characters());
    order = PieceOrder(layout.characters(), piece, seed);
  }
  data.training = make_columns(data.text, *data.vocabulary, layout, windows, sharding, /*carries_state=*/true, order);
  if (rest.rows() >= 2)
    data.validation =
        make_columns(data.text, *data.vocabulary, rest, evaluation_schedule(rest, kEvaluationRows), sharding);
  data.shape = fmt::format("columns     {} of {} rows, {} per rank; {} windows of about {} an epoch", columns,
                           with_commas(layout.rows()), columns_text(columns, sharding.micro_batches, control.size()),
                           with_commas(windows.windows_per_epoch()), config.data.bptt);
  if (piece > 0) data.shape += fmt::format(", from pieces of {} in random order", with_commas(piece));
}

void load_windows(const RunConfig& config, const Sharding& sharding, TrainingData& data) {
  const WindowLayout layout = window_layout(config.data);
  const auto tokens = std::make_shared<const TokenArray>(data.text.numbers, data.text.corpus, *data.vocabulary, 0,
                                                         data.text.corpus.characters);
  const auto make = [&](WindowPart part) {
    return std::make_unique<WindowBatches>(tokens, layout, part, static_cast<std::uint64_t>(config.run.seed), sharding);
  };
  auto training = make(WindowPart::kTraining);
  const std::int64_t validation = layout.validation_windows(tokens->size());
  if (validation > 0) data.validation = make(WindowPart::kValidation);
  data.shape = fmt::format(
      "windows     {} of {} characters, one every {}: {} for training in {} batches of {}, {} for validation",
      with_commas(layout.windows(tokens->size())), layout.length, layout.stride, with_commas(training->windows()),
      with_commas(training->per_epoch()), layout.batch_size, with_commas(validation));
  data.training = std::move(training);
}

}  // namespace

ScannedText scan_text(const TextSource& text, const CorpusOptions& options, Communicator& control, Activity& activity) {
  ScannedText scanned{text.name(), {}, nullptr};
  std::shared_ptr<ScratchFile> file;  // rank 0's
  scanned.corpus = CorpusSummary::from_json(on_root(control, activity, [&](Activity& all) {
    ScannedCorpus found = scan_corpus(text, options, all);
    file = std::move(found.numbers);
    return found.summary.to_json();
  }));
  file = share_file(std::move(file), control, activity);
  together(control, [&] {
    scanned.numbers =
        std::make_shared<const NumberedText>(std::move(file), scanned.corpus.widths, scanned.corpus.characters);
  });
  return scanned;
}

CorpusOptions corpus_options(const DataConfig& data) {
  return {.vocabulary = {.bytes = data.bytes,
                         .full = data.full_vocabulary,
                         .lowercase = data.lowercase,
                         .min_freq = data.min_freq},
          .train_characters = data.train_characters,
          // Windows are split one by one, so all of the text is looked at for its vocabulary.
          .train_fraction = data.window > 0 ? 1.0 : data.train_fraction};
}

WindowLayout window_layout(const DataConfig& data) {
  return {.length = data.window,
          .stride = data.stride > 0 ? data.stride : data.window,
          .most = data.windows,
          .predict_every = data.predict == "every",
          .train_fraction = data.train_fraction,
          .batch_size = data.columns};
}

std::unique_ptr<Batches> evaluation_columns(const ScannedText& text, const Vocabulary& vocabulary, std::int64_t first,
                                            std::int64_t last, const ReadingOrder& order, const Sharding& sharding,
                                            Communicator& control) {
  std::unique_ptr<Batches> batches;
  together(control, [&] {
    const ColumnLayout layout(first, last - first, order.columns);
    require(layout.rows() >= 2, "this part of '{}' has {} characters, too few for {} columns", text.name, last - first,
            order.columns);
    batches =
        make_columns(text, vocabulary, layout, evaluation_schedule(layout, order.rows), sharding, order.carries_state);
  });
  return batches;
}

std::unique_ptr<Batches> evaluation_windows(const ScannedText& text, const Vocabulary& vocabulary,
                                            const WindowLayout& layout, WindowPart part, std::int64_t seed,
                                            const Sharding& sharding, Communicator& control) {
  std::unique_ptr<Batches> batches;
  together(control, [&] {
    auto tokens = std::make_shared<const TokenArray>(text.numbers, text.corpus, vocabulary, 0, text.corpus.characters);
    batches =
        std::make_unique<WindowBatches>(std::move(tokens), layout, part, static_cast<std::uint64_t>(seed), sharding);
  });
  return batches;
}

std::int64_t count_unknown(Batches& batches, const Vocabulary& vocabulary, Communicator& control, Activity& activity) {
  const std::optional<Token> unknown = vocabulary.unknown();
  if (!unknown) return 0;
  std::array<double, 1> count{};  // exact up to 2^53
  Batch batch;
  constexpr std::int64_t kCharactersAtOnce = std::int64_t{1} << 24;  // of all ranks, between two looks at the signals
  std::int64_t since = 0;
  for (std::int64_t index = 0; index < batches.per_epoch(); ++index) {
    if (since >= kCharactersAtOnce || index == 0) {
      activity.on_work("counting unknown characters", index, batches.per_epoch());
      stop_together(control, activity);
      since = 0;
    }
    batches.load(0, index, batch);
    since += batch.all_targets;
    for (const MicroBatch& part : batch.micro_batches) {
      count[0] += static_cast<double>(std::count(part.targets.begin(), part.targets.end(), *unknown));
    }
  }
  control.all_reduce_sum(count);
  return static_cast<std::int64_t>(count[0]);
}

void check_same_text(const ScannedText& text, const std::string& sha256) {
  require(
      text.corpus.sha256 == sha256,
      "'{}' is not the corpus that the checkpoint was trained on: its SHA-256 is {}, that one's was {}; give the old "
      "text with `corpus`, or start a new run with these weights by `init-from`",
      text.name, text.corpus.sha256, sha256);
}

TrainingData load_training_data(const RunConfig& config, const TextSource& text, const KnownText& known,
                                const Sharding& sharding, Communicator& control, Activity& activity) {
  require_option(control.size() <= config.data.columns, "columns",
                 "{} ranks cannot share {} columns: raise `columns` or start fewer ranks", control.size(),
                 config.data.columns);
  TrainingData data;
  CorpusOptions options = corpus_options(config.data);
  options.known_sha256 = known.sha256;
  data.text = scan_text(text, options, control, activity);
  together(control, [&] {
    if (!known.sha256.empty()) check_same_text(data.text, known.sha256);
    data.vocabulary = choose_vocabulary(data.text, options.vocabulary, known);
    if (known.vocabulary) data.new_symbols = data.vocabulary->size() - known.vocabulary->size();
    if (config.data.window > 0) {
      load_windows(config, sharding, data);
    } else {
      load_columns(config, sharding, control, data);
    }
  });
  return data;
}

}  // namespace charrnn
