// Texts of any bytes, as any kind of vocabulary: scanned and encoded, or refused with a DataError. The tokens give back
// every character that the vocabulary knows.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/utf8.hpp"
#include "data/corpus.hpp"

namespace charrnn {
namespace {

class Bytes final : public TextSource {
 public:
  explicit Bytes(const std::string& text) : TextSource("fuzz") {
    set_bytes({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
  }
};

void scan_and_encode(const std::string& text, const CorpusOptions& options) {
  const Bytes source(text);
  const CorpusSummary summary = CorpusSummary::from_json(scan_corpus(source, options).to_json());
  const Vocabulary vocabulary = Vocabulary::from_symbols(summary.symbols, options.vocabulary);
  std::vector<Token> tokens(static_cast<std::size_t>(summary.characters));
  encode(source, summary, vocabulary, 0, tokens);
  std::string again;
  for (const Token token : tokens) {
    if (token >= vocabulary.size()) std::abort();
    vocabulary.append_text(again, token);
  }
  const bool keeps_all = options.vocabulary.bytes || options.vocabulary.full;
  if (keeps_all && !options.vocabulary.lowercase && again != text) std::abort();
  if (!options.vocabulary.bytes) decode_text(again, "the tokens' text");
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
