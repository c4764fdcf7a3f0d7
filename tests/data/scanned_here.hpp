// A text, scanned by this process alone.
#pragma once

#include <memory>
#include <vector>

#include "data/corpus.hpp"
#include "data/numbered_text.hpp"
#include "data/token_array.hpp"

namespace charrnn {

struct ScannedHere {
  ScannedHere(const TextSource& text, const CorpusOptions& options)
      : scanned(scan_corpus(text, options, *std::make_unique<Activity>())),
        // As the other ranks get it.
        summary(CorpusSummary::from_json(scanned.summary.to_json())),
        numbers(std::make_shared<const NumberedText>(scanned.numbers, summary.widths, summary.characters)),
        vocabulary(Vocabulary::from_symbols(summary.symbols, options.vocabulary)) {}

  TokenArray tokens(std::int64_t first, std::int64_t count) const {
    return {numbers, summary, vocabulary, first, count};
  }
  /// Tokens of characters first … first + count − 1.
  std::vector<std::int64_t> encoded(std::int64_t first, std::int64_t count) const {
    std::vector<std::int64_t> found(static_cast<std::size_t>(count));
    tokens(first, count).copy(0, count, found.data(), 1);
    return found;
  }

  ScannedCorpus scanned;
  CorpusSummary summary;
  std::shared_ptr<const NumberedText> numbers;
  Vocabulary vocabulary;
};

}  // namespace charrnn
