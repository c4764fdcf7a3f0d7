#include "sample/score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "base/error.hpp"
#include "data/utf8.hpp"

namespace charrnn {

double score(const LoadedModel& loaded, std::string_view text) {
  require(loaded.settings.window == 0, "'{}' reads windows of {} characters, and has no loss on a text as a whole",
          loaded.path, loaded.settings.window);
  std::set<char32_t> unknown;
  const std::vector<std::int64_t> tokens = encode_text(loaded.vocabulary, text, "the text", &unknown);
  if (!unknown.empty() && !loaded.vocabulary.unknown()) {
    throw DataError(
        fmt::format("the text has the character {}, which the vocabulary lacks", printable(*unknown.begin())));
  }
  require(tokens.size() >= 2, "a text of {} characters has nothing to predict: give at least two", tokens.size());
  LanguageModel& model = *loaded.model;
  const std::unique_ptr<HiddenState> state = model.make_state(1);
  constexpr std::size_t kAtOnce = 64;
  double loss = 0;
  for (std::size_t at = 0; at + 1 < tokens.size(); at += kAtOnce) {
    const std::size_t length = std::min(kAtOnce, tokens.size() - 1 - at);
    loss += model.evaluate({std::span(tokens).subspan(at, length), std::span(tokens).subspan(at + 1, length),
                            static_cast<std::int64_t>(length), 1},
                           *state);
  }
  return loss / static_cast<double>(tokens.size() - 1);
}

}  // namespace charrnn
