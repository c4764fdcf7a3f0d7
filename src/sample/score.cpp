#include "sample/score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace charrnn {

namespace {

constexpr std::size_t kAtOnce = 64;

std::vector<std::int64_t> tokens_to_predict(const LoadedModel& loaded, std::string_view text) {
  require(loaded.settings.window == 0, "'{}' reads windows of {} characters, and has no loss on a text as a whole",
          loaded.path, loaded.settings.window);
  std::set<char32_t> unknown;
  std::vector<std::int64_t> tokens = encode_text(loaded.vocabulary, text, "the text", &unknown);
  if (!unknown.empty() && !loaded.vocabulary.unknown()) {
    throw DataError(
        fmt::format("the text has the character {}, which the vocabulary lacks", printable(*unknown.begin())));
  }
  require(tokens.size() >= 2, "a text of {} characters has nothing to predict: give at least two", tokens.size());
  return tokens;
}

/// Calls `take` with one window of the tokens after the other, and the hidden state before it.
template <class Take>
void each_window(LanguageModel& model, std::span<const std::int64_t> tokens, const Take& take) {
  const std::unique_ptr<HiddenState> state = model.make_state(1);
  for (std::size_t at = 0; at + 1 < tokens.size(); at += kAtOnce) {
    const std::size_t length = std::min(kAtOnce, tokens.size() - 1 - at);
    take(Window{tokens.subspan(at, length), tokens.subspan(at + 1, length), static_cast<std::int64_t>(length), 1},
         *state);
  }
}

}  // namespace

double score(const LoadedModel& loaded, std::string_view text) {
  const std::vector<std::int64_t> tokens = tokens_to_predict(loaded, text);
  double loss = 0;
  each_window(*loaded.model, tokens,
              [&](const Window& window, HiddenState& state) { loss += loaded.model->evaluate(window, state); });
  return loss / static_cast<double>(tokens.size() - 1);
}

std::vector<float> log_probabilities(const LoadedModel& loaded, std::string_view text) {
  const std::vector<std::int64_t> tokens = tokens_to_predict(loaded, text);
  std::vector<float> logarithms(tokens.size() - 1);
  std::size_t done = 0;
  each_window(*loaded.model, tokens, [&](const Window& window, HiddenState& state) {
    const std::size_t length = window.targets.size();
    loaded.model->log_probabilities(window, state, std::span(logarithms).subspan(done, length));
    done += length;
  });
  return logarithms;
}

}  // namespace charrnn
