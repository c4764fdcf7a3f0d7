#include "data/vocabulary.hpp"

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace charrnn {

namespace {

constexpr Token kUnknown = 0;
constexpr Token kPadding = 1;
constexpr std::int64_t kMaxSymbols = 65'536;

std::string symbol_of(char32_t character) {
  std::string text;
  if (character != 0) append_utf8(text, character);
  return text;
}

}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> symbols, const VocabularyOptions& options)
    : symbols_(std::move(symbols)), options_(options) {
  require(size() <= kMaxSymbols, "the text has {} different symbols, more than {}; raise `min-freq` or use `bytes`",
          size(), kMaxSymbols);
  ascii_.fill(-1);
  const std::int64_t first = unknown() ? 2 : 0;
  for (std::int64_t token = first; token < size(); ++token) {
    const std::string& symbol = symbols_[static_cast<std::size_t>(token)];
    const std::vector<char32_t> characters = decode_text(symbol, "a symbol of the vocabulary");
    require(characters.size() <= 1, "'{}' is not one character; the vocabulary is damaged", symbol);
    const char32_t character = characters.empty() ? 0 : characters[0];
    if (character < ascii_.size()) {
      ascii_[character] = static_cast<std::int32_t>(token);
    } else {
      others_.emplace(character, static_cast<Token>(token));
    }
  }
}

Vocabulary Vocabulary::from_counts(const std::map<char32_t, std::int64_t>& counts, const VocabularyOptions& options) {
  std::vector<std::string> symbols;
  if (options.bytes) {
    for (char32_t byte = 0; byte < 256; ++byte) symbols.push_back(symbol_of(byte));
  } else if (options.full) {
    symbols.emplace_back();
    for (const auto& [character, count] : counts) {
      if (character != 0) symbols.push_back(symbol_of(character));
    }
  } else {
    std::vector<std::pair<char32_t, std::int64_t>> frequent;
    for (const auto& entry : counts) {
      if (entry.second >= options.min_freq) frequent.emplace_back(entry);
    }
    std::stable_sort(frequent.begin(), frequent.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    symbols = {"<unk>", "<pad>"};
    for (const auto& entry : frequent) symbols.push_back(symbol_of(entry.first));
    require(!frequent.empty(), "no character comes up `min-freq` ({}) times or more: the text is too short",
            options.min_freq);
  }
  return {std::move(symbols), options};
}

Vocabulary Vocabulary::from_symbols(const std::vector<std::string>& symbols, const VocabularyOptions& options) {
  Vocabulary vocabulary(symbols, options);
  const std::size_t special = vocabulary.unknown() ? 2 : 0;
  std::size_t known = vocabulary.others_.size();
  for (const std::int32_t token : vocabulary.ascii_) known += token >= 0 ? 1 : 0;
  require(known + special == symbols.size(), "the vocabulary names a symbol twice; it is damaged");
  return vocabulary;
}

std::optional<Token> Vocabulary::unknown() const {
  return options_.bytes || options_.full ? std::nullopt : std::optional(kUnknown);
}

std::optional<Token> Vocabulary::padding() const {
  return options_.bytes || options_.full ? std::nullopt : std::optional(kPadding);
}

std::optional<Token> Vocabulary::find(char32_t character) const {
  if (options_.lowercase && !options_.bytes) character = to_lower(character);
  if (character < ascii_.size()) {
    const std::int32_t token = ascii_[character];
    return token >= 0 ? std::optional(static_cast<Token>(token)) : unknown();
  }
  const auto found = others_.find(character);
  return found != others_.end() ? std::optional(found->second) : unknown();
}

bool Vocabulary::knows(char32_t character) const {
  const std::optional<Token> token = find(character);
  return token && token != unknown();
}

void Vocabulary::append_text(std::string& text, Token token) const {
  if (options_.bytes) {
    text += static_cast<char>(token);
  } else if (unknown() && token <= kPadding) {
    append_utf8(text, 0xFFFD);
  } else if (const std::string& symbol = symbols_.at(token); !symbol.empty()) {
    text += symbol;
  } else if (!options_.full) {
    text += '\0';
  }
}

std::vector<std::int64_t> encode_text(const Vocabulary& vocabulary, std::string_view text, std::string_view what,
                                      std::set<char32_t>* unknown) {
  std::vector<std::int64_t> tokens;
  if (vocabulary.options().bytes) {
    for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
    return tokens;
  }
  for (const char32_t character : decode_text(text, what)) {
    if (unknown != nullptr && !vocabulary.knows(character)) unknown->insert(character);
    if (const auto token = vocabulary.find(character)) tokens.push_back(*token);
  }
  return tokens;
}

}  // namespace charrnn
