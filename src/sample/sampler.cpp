#include "sample/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "data/utf8.hpp"

namespace charrnn {

namespace {

std::vector<double> probabilities_of(std::span<const float> logits) {
  return token_probabilities(logits, {}, {});
}

}  // namespace

Sampler::Sampler(std::vector<LanguageModel*> models, const Vocabulary& vocabulary,
                 const SampleOptions& options, std::int64_t window)
    : models_(std::move(models)),
      vocabulary_(vocabulary),
      options_(options),
      random_(options.seed, Purpose::kSampling),
      window_(window),
      logits_(static_cast<std::size_t>(vocabulary.size())) {
  validate(options);
  for (const LanguageModel* model : models_) states_.push_back(model->make_state(1));
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
  if (text.empty() || (tokens.empty() && window_ == 0)) {
    const std::int64_t token = vocabulary_.knows('\n') ? std::int64_t{*vocabulary_.find('\n')}
                                                       : static_cast<std::int64_t>(excluded_.size());
    tokens.assign(static_cast<std::size_t>(std::max<std::int64_t>(window_, 1)), token);
  }
  require<UsageError>(std::ssize(tokens) >= window_,
                      "--prime '{}' has {} characters that the model knows, and it reads windows of {}", text,
                      tokens.size(), window_);
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
  if (window_ > 0) {
    last_.insert(last_.end(), tokens.begin(), tokens.end());
    last_.erase(last_.begin(), last_.end() - window_);
    for (const auto& state : states_) state->zero();
    predict(last_);
    return;
  }
  constexpr std::size_t kAtOnce = 1024;  // bounds the memory that a long text takes
  for (std::size_t at = 0; at < tokens.size(); at += kAtOnce) {
    predict(std::span(tokens).subspan(at, std::min(kAtOnce, tokens.size() - at)));
  }
}

void Sampler::predict(std::span<const std::int64_t> tokens) {
  const auto length = static_cast<std::int64_t>(tokens.size());
  models_[0]->predict(tokens, length, *states_[0], logits_);
  if (models_.size() == 1) return;
  std::vector<double> mean = probabilities_of(logits_);
  for (std::size_t i = 1; i < models_.size(); ++i) {
    models_[i]->predict(tokens, length, *states_[i], logits_);
    const std::vector<double> more = probabilities_of(logits_);
    for (std::size_t token = 0; token < mean.size(); ++token) mean[token] += more[token];
  }
  // Logits are probabilities' logarithms but for a constant, so the sum is as good as the mean.
  for (std::size_t token = 0; token < mean.size(); ++token) {
    logits_[token] = static_cast<float>(std::log(mean[token]));
  }
}

}  // namespace charrnn
