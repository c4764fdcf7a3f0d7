#include "sample/score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <span>
#include <string>

#include "base/error.hpp"
#include "base/utf8.hpp"
#include "data/decode_member.hpp"
#include "data/file_kind.hpp"

namespace charrnn {

namespace {

void require_running_text(const LoadedModel& loaded) {
  require(loaded.settings.window == 0, "'{}' reads windows of {} characters, and has no loss on a text as a whole",
          loaded.path, loaded.settings.window);
}

void require_something_to_predict(std::size_t characters) {
  require(characters >= 2, "a text of {} characters has nothing to predict: give at least two", characters);
}

std::vector<std::int64_t> tokens_to_predict(const LoadedModel& loaded, std::string_view text) {
  require_running_text(loaded);
  std::set<char32_t> unknown;
  std::vector<std::int64_t> tokens = encode_text(loaded.vocabulary, text, "the text", &unknown);
  if (!unknown.empty() && !loaded.vocabulary.unknown()) {
    throw DataError(
        fmt::format("the text has the character {}, which the vocabulary lacks", printable(*unknown.begin())));
  }
  require_something_to_predict(tokens.size());
  return tokens;
}

/// Calls `take` with one window of the tokens after the other.
template <class Take>
void each_window(std::span<const std::int64_t> tokens, const Take& take) {
  constexpr std::size_t kAtOnce = 64;
  for (std::size_t at = 0; at + 1 < tokens.size(); at += kAtOnce) {
    const std::size_t length = std::min(kAtOnce, tokens.size() - 1 - at);
    take(Window{tokens.subspan(at, length), tokens.subspan(at + 1, length), static_cast<std::int64_t>(length), 1});
  }
}

/// The logarithms of the probabilities of all tokens but the first, which is only read. The last one is only predicted: the
/// next part of a text begins with it, and with the same `state`.
std::vector<float> log_probabilities(LanguageModel& model, HiddenState& state, std::span<const std::int64_t> tokens) {
  std::vector<float> logarithms(tokens.size() - 1);
  std::size_t done = 0;
  each_window(tokens, [&](const Window& window) {
    const std::size_t length = window.targets.size();
    model.log_probabilities(window, state, std::span(logarithms).subspan(done, length));
    done += length;
  });
  return logarithms;
}

/// A text on its way through a model.
class Reading {
 public:
  Reading(const LoadedModel& loaded, ScoreObserver& observer)
      : loaded_(loaded), observer_(observer), state_(loaded.model->make_state(1)) {}

  void read(TextReader& reader) {
    using Bytes = std::span<const unsigned char>;
    observer_.on_member(reader.member());
    name_ = reader.member().name;
    if (loaded_.vocabulary.options().bytes) {
      for (Bytes piece = reader.read(); !piece.empty(); piece = reader.read()) {
        for (const unsigned char byte : piece) take(byte);
        score_waiting();
      }
      return;
    }
    decode_member(reader, utf8_mark, /*takes_bytes=*/false, [&](Utf8Decoder& decoder, Bytes piece) {
      decoder.decode(
          piece,
          [&](Bytes ascii) {
            for (const unsigned char character : ascii) take(character);
          },
          [&](char32_t character) { take(character); });
      score_waiting();
    });
  }

  std::size_t characters() const { return characters_; }

 private:
  void take(char32_t character) {
    constexpr std::size_t kMost = 1024;
    const Vocabulary& vocabulary = loaded_.vocabulary;
    const std::optional<Token> token = vocabulary.find(character);
    require(token.has_value(), "{} has the character {}, which the vocabulary lacks", name_, printable(character));
    waiting_.push_back({character, token != vocabulary.unknown(), {}});
    tokens_.push_back(*token);
    if (waiting_.size() == kMost) score_waiting();
  }

  void score_waiting() {
    if (waiting_.empty()) return;
    if (observer_.wants_stop()) throw Interrupted();
    // tokens_ begins with the last one that was scored before, from which the first of waiting_ is predicted; at the
    // beginning of a text there is none.
    const std::vector<float> logarithms = log_probabilities(*loaded_.model, *state_, tokens_);
    const std::size_t unpredicted = waiting_.size() - logarithms.size();
    for (std::size_t i = unpredicted; i < waiting_.size(); ++i) {
      waiting_[i].nats = 0.0 - logarithms[i - unpredicted];  // -x would print a loss of 0 as -0
    }
    for (const ScoredCharacter& character : waiting_) observer_.on_character(character);
    characters_ += waiting_.size();
    waiting_.clear();
    tokens_.erase(tokens_.begin(), tokens_.end() - 1);
  }

  const LoadedModel& loaded_;
  ScoreObserver& observer_;
  std::unique_ptr<HiddenState> state_;
  std::string name_;
  std::vector<ScoredCharacter> waiting_;
  std::vector<std::int64_t> tokens_;
  std::size_t characters_ = 0;
};

}  // namespace

double score(const LoadedModel& loaded, std::string_view text) {
  const std::vector<std::int64_t> tokens = tokens_to_predict(loaded, text);
  const std::unique_ptr<HiddenState> state = loaded.model->make_state(1);
  double loss = 0;
  each_window(tokens, [&](const Window& window) { loss += loaded.model->evaluate(window, *state); });
  return loss / static_cast<double>(tokens.size() - 1);
}

std::vector<float> log_probabilities(const LoadedModel& loaded, std::string_view text) {
  const std::vector<std::int64_t> tokens = tokens_to_predict(loaded, text);
  return log_probabilities(*loaded.model, *loaded.model->make_state(1), tokens);
}

LeftOut score_text(const LoadedModel& loaded, const TextSource& text, ScoreObserver& observer) {
  require_running_text(loaded);
  Reading reading(loaded, observer);
  const std::unique_ptr<TextReader> reader = text.read(observer);
  while (reader->next_member()) reading.read(*reader);
  require_something_to_predict(reading.characters());
  return reader->left_out();
}

}  // namespace charrnn
