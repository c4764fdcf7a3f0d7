// What a model expects next in a text, as the choices of a range coder.
#pragma once

#include <algorithm>
#include <charrnn/base/error.hpp>
#include <charrnn/base/utf8.hpp>
#include <charrnn/sample/loaded_model.hpp>
#include <charrnn/sample/token_choice.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "range_coder.hpp"

/// A character of a text, or a byte: of a model that reads bytes, or where the text is not UTF-8.
struct Character {
  static constexpr char32_t kFirstByte = 0x110000, kCount = kFirstByte + 256;  // bytes that are not UTF-8 come last

  char32_t number;
  std::string_view bytes;
};

inline Character first_of(std::string_view text, bool is_bytes) {
  const auto byte = static_cast<unsigned char>(text[0]);
  if (is_bytes) return {byte, text.substr(0, 1)};
  const auto [code_point, length] =
      charrnn::decode_utf8({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
  if (length == 0) return {Character::kFirstByte + byte, text.substr(0, 1)};
  return {code_point, text.substr(0, static_cast<std::size_t>(length))};
}

/// What the model expects as the next character, in whole numbers: one of its tokens, or none of them.
class Expectation {
 public:
  explicit Expectation(const charrnn::LoadedModel& loaded)
      : vocabulary_(loaded.vocabulary),
        model_(*loaded.model),
        state_(model_.make_state(1)),
        logits_(static_cast<std::size_t>(vocabulary_.size())) {
    read(vocabulary_.find('\n').value_or(0));  // a text begins as a line does
  }

  void encode(const Character& character, RangeEncoder& encoder) {
    const std::optional<charrnn::Token> token = token_of(character);
    encoder.put(choice_of(token ? *token : none()));
    if (!token) encoder.put({character.number, 1, Character::kCount});
    read(token ? token : stand_in(character.number));
  }

  /// Appends the next character; false for a token without a text, which nobody encodes.
  bool decode(RangeDecoder& decoder, std::string& text) {
    const auto above = std::ranges::upper_bound(below_, decoder.find(below_.back()));
    const auto symbol = static_cast<std::size_t>(above - below_.begin() - 1);
    decoder.take(choice_of(symbol));
    if (symbol != none()) {
      const auto token = static_cast<charrnn::Token>(symbol);
      const std::size_t before = text.size();
      vocabulary_.append_text(text, token);
      read(token);
      return text.size() > before;
    }
    const auto number = static_cast<char32_t>(decoder.find(Character::kCount));
    decoder.take({number, 1, Character::kCount});
    if (number < Character::kFirstByte) {
      charrnn::append_utf8(text, number);
    } else {
      text += static_cast<char>(number - Character::kFirstByte);
    }
    read(stand_in(number));
    return true;
  }

 private:
  /// The token that stands for exactly these bytes; a model of lowercase text has none for a capital.
  std::optional<charrnn::Token> token_of(const Character& character) const {
    if (character.number >= Character::kFirstByte) return std::nullopt;
    const std::optional<charrnn::Token> token = vocabulary_.find(character.number);
    if (!token || token == vocabulary_.unknown()) return std::nullopt;
    std::string text;
    vocabulary_.append_text(text, *token);
    return text == character.bytes ? token : std::nullopt;
  }
  /// What the model reads of a character that was coded by its number; nothing where it cannot read even <unk>.
  std::optional<charrnn::Token> stand_in(char32_t number) const {
    return number < Character::kFirstByte ? vocabulary_.find(number) : vocabulary_.unknown();
  }
  /// The choice of no token: that of <unk>, or one of our own after all tokens.
  std::size_t none() const { return vocabulary_.unknown() ? *vocabulary_.unknown() : logits_.size(); }
  Choice choice_of(std::size_t symbol) const {
    return {below_[symbol], below_[symbol + 1] - below_[symbol], below_.back()};
  }

  /// One character at a time, the same way in both directions: other shapes may round differently.
  void read(std::optional<charrnn::Token> token) {
    constexpr double kCases = 4294967296.0;  // 2^32
    if (!token) return;
    const std::int64_t input = *token;
    model_.predict({&input, 1}, 1, *state_, logits_);
    below_.assign(1, 0);
    for (const double probability : charrnn::token_probabilities(logits_, {}, {})) {
      charrnn::require(std::isfinite(probability), "the model's probabilities are no numbers; it was trained badly");
      below_.push_back(below_.back() + 1 + static_cast<std::uint64_t>(probability * kCases));  // none is impossible
    }
    if (!vocabulary_.unknown()) below_.push_back(below_.back() + 1);
  }

  const charrnn::Vocabulary& vocabulary_;
  charrnn::LanguageModel& model_;
  std::unique_ptr<charrnn::HiddenState> state_;
  std::vector<float> logits_;
  std::vector<std::uint64_t> below_;  ///< cases before each token, and before none() if it is our own; then all
};
