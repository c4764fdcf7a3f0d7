#include "sample/sampler.hpp"

#include <algorithm>
#include <set>
#include <span>

#include "base/error.hpp"
#include "data/utf8.hpp"

namespace charrnn {

Sampler::Sampler(LanguageModel& model, const Vocabulary& vocabulary, const SampleOptions& options)
    : model_(model),
      vocabulary_(vocabulary),
      options_(options),
      random_(options.seed, Purpose::kSampling),
      state_(model.make_state(1)),
      logits_(static_cast<std::size_t>(vocabulary.size())) {
  validate(options);
  if (vocabulary.unknown()) excluded_.push_back(*vocabulary.unknown());
  if (vocabulary.padding()) excluded_.push_back(*vocabulary.padding());
}

std::vector<char32_t> Sampler::prime(std::string_view text) {
  std::vector<std::int64_t> tokens;
  std::set<char32_t> unknown;
  if (vocabulary_.options().bytes) {
    for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  } else {
    for (const char32_t character : decode_text(text, "--prime")) {
      if (!vocabulary_.knows(character)) unknown.insert(character);
      if (const auto token = vocabulary_.find(character)) tokens.push_back(*token);
    }
  }
  if (tokens.empty()) {
    tokens.push_back(vocabulary_.knows('\n') ? *vocabulary_.find('\n')
                                             : static_cast<std::int64_t>(excluded_.size()));
  }
  read(tokens);
  return {unknown.begin(), unknown.end()};
}

std::string Sampler::next() {
  const std::int64_t token = choose_token(logits_, options_, excluded_, random_.uniform());
  read({token});
  std::string text;
  vocabulary_.append_text(text, static_cast<Token>(token));
  return text;
}

void Sampler::read(const std::vector<std::int64_t>& tokens) {
  constexpr std::size_t kAtOnce = 1024;  // bounds the memory that a long text takes
  for (std::size_t at = 0; at < tokens.size(); at += kAtOnce) {
    const std::size_t length = std::min(kAtOnce, tokens.size() - at);
    model_.predict(std::span(tokens).subspan(at, length), static_cast<std::int64_t>(length), *state_,
                   logits_);
  }
}

}  // namespace charrnn
