// Texts of any bytes, as any kind of vocabulary: scanned and encoded, or refused with a DataError. The tokens give back
// every character that the vocabulary knows.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/utf8.hpp"
#include "data/corpus.hpp"
#include "data/token_array.hpp"

namespace charrnn {
namespace {

/// The text as a full vocabulary writes it: without a byte order mark, which is no character, and without '\0'.
std::string as_written(const std::string& text) {
  std::string rest = text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text;
  std::erase(rest, '\0');
  return rest;
}

void scan_and_encode(const std::string& text, const CorpusOptions& options) {
  Activity activity;
  const ScannedCorpus scanned = scan_corpus(MemoryText(text), options, activity);
  const CorpusSummary summary = CorpusSummary::from_json(scanned.summary.to_json());
  const Vocabulary vocabulary = Vocabulary::from_symbols(summary.symbols, options.vocabulary);
  summary.share(vocabulary);
  const auto numbers = std::make_shared<const NumberedText>(scanned.numbers, summary.widths, summary.characters);
  const TokenArray tokens(numbers, summary, vocabulary, 0, summary.characters);
  std::vector<std::int64_t> all(static_cast<std::size_t>(tokens.size()));
  tokens.copy(0, tokens.size(), all.data(), 1);
  std::string again;
  for (const std::int64_t token : all) {
    if (token < 0 || token >= vocabulary.size()) std::abort();
    vocabulary.append_text(again, static_cast<Token>(token));
  }
  const VocabularyOptions& kind = options.vocabulary;
  if ((kind.bytes || kind.full) && !kind.lowercase && again != (kind.bytes ? text : as_written(text))) std::abort();
  if (!kind.bytes) decode_text(again, "the tokens' text");
}

}  // namespace
}  // namespace charrnn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider source(data, size);
  charrnn::CorpusOptions options;
  options.vocabulary.bytes = source.ConsumeBool();
  options.vocabulary.full = source.ConsumeBool();
  options.vocabulary.lowercase = source.ConsumeBool();
  options.vocabulary.min_freq = source.ConsumeIntegralInRange(1, 3);
  options.train_characters = source.ConsumeIntegralInRange(0, 5);
  const std::string text = source.ConsumeRemainingBytesAsString();
  charrnn::without_controls(text);
  try {
    charrnn::scan_and_encode(text, options);
  } catch (const charrnn::DataError&) {
  }
  return 0;
}
