#include "data/token_array.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace charrnn {

namespace {

/// Place of the first of the characters with this number.
std::int64_t place_of(const NumberedText& text, std::size_t wanted) {
  std::int64_t place = text.size();
  text.visit(0, text.size(), [&](const auto& numbers, std::int64_t at) {
    const auto found = std::find(numbers.begin(), numbers.end(), wanted);
    if (found != numbers.end()) place = std::min(place, at + (found - numbers.begin()));
  });
  return place;
}

}  // namespace

TokenArray::TokenArray(std::shared_ptr<const NumberedText> text, const CorpusSummary& summary,
                       const Vocabulary& vocabulary, std::int64_t first, std::int64_t count)
    : text_(std::move(text)), first_(first), size_(count) {
  for (std::size_t number = 0; number < summary.alphabet.size(); ++number) {
    const auto character = static_cast<char32_t>(summary.alphabet[number]);
    const std::optional<Token> token = vocabulary.find(character);
    const bool is_there = summary.training_counts[number] + summary.validation_counts[number] > 0;
    if (is_there && !token) {
      throw DataError(fmt::format("the text has the character {} (number {}), which the vocabulary lacks",
                                  printable(character), place_of(*text_, number)));
    }
    tokens_.push_back(token.value_or(0));
  }
}

void TokenArray::copy(std::int64_t first, std::int64_t count, std::int64_t* to, std::int64_t stride) const {
  text_->visit(first_ + first, count, [&](const auto& numbers, std::int64_t at) {
    std::int64_t* next = to + at * stride;
    for (const auto number : numbers) {
      *next = tokens_[number];
      next += stride;
    }
  });
}

}  // namespace charrnn
