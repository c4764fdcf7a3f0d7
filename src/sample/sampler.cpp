#include "sample/sampler.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"

namespace charrnn {

namespace {

std::vector<double> probabilities_of(std::span<const float> logits) {
  return token_probabilities(logits, {}, {});
}

}  // namespace

Sampler::Sampler(std::vector<LanguageModel*> models, const Vocabulary& vocabulary, const SampleOptions& options,
                 std::int64_t window, std::int64_t texts, std::int64_t first)
    : models_(std::move(models)),
      vocabulary_(vocabulary),
      options_(options),
      window_(window),
      logits_(static_cast<std::size_t>(texts * vocabulary.size())),
      written_(static_cast<std::size_t>(texts)) {
  validate(options);
  for (std::int64_t text = 0; text < texts; ++text) {
    random_.emplace_back(options.seed, Purpose::kSampling, static_cast<std::uint64_t>(first + text));
  }
  for (const LanguageModel* model : models_) states_.push_back(model->make_state(texts));
  if (vocabulary.unknown()) excluded_.push_back(*vocabulary.unknown());
  if (vocabulary.padding()) excluded_.push_back(*vocabulary.padding());
}

std::vector<char32_t> Sampler::prime(std::string_view text) {
  std::set<char32_t> unknown;
  std::vector<std::int64_t> tokens = encode_text(vocabulary_, text, "`prime`", &unknown);
  if (!has_read_ && (text.empty() || (tokens.empty() && window_ == 0))) {
    const std::int64_t token =
        vocabulary_.knows('\n') ? std::int64_t{*vocabulary_.find('\n')} : static_cast<std::int64_t>(excluded_.size());
    tokens.assign(static_cast<std::size_t>(std::max<std::int64_t>(window_, 1)), token);
  }
  require<UsageError>(has_read_ || std::ssize(tokens) >= window_,
                      "`prime` '{}' has {} characters that the model knows, and it reads windows of {}",
                      one_line(text, 60), tokens.size(), window_);
  std::vector<std::int64_t> rows;
  for (const std::int64_t token : tokens) rows.insert(rows.end(), written_.size(), token);
  read(rows);
  return {unknown.begin(), unknown.end()};
}

std::vector<double> Sampler::probabilities() {
  return token_probabilities(logits_of(0), {}, excluded_);
}

const std::vector<std::string>& Sampler::next() {
  chosen_.clear();
  for (std::size_t text = 0; text < written_.size(); ++text) {
    chosen_.push_back(choose_token(logits_of(text), options_, excluded_, random_[text].uniform()));
    written_[text].clear();
    vocabulary_.append_text(written_[text], static_cast<Token>(chosen_.back()));
  }
  read(chosen_);
  return written_;
}

std::string Sampler::write(std::int64_t length, const std::function<bool()>& wants_stop) {
  std::string text;
  for (std::int64_t i = 0; i < length; ++i) {
    if (wants_stop && wants_stop()) return "";
    text += next()[0];
  }
  return text;
}

void Sampler::read(const std::vector<std::int64_t>& tokens) {
  has_read_ = true;
  if (window_ > 0) {
    last_.insert(last_.end(), tokens.begin(), tokens.end());
    last_.erase(last_.begin(), last_.end() - window_ * std::ssize(written_));
    for (const auto& state : states_) state->zero();
    predict(last_);
    return;
  }
  const std::size_t at_once = 1024 * written_.size();  // bounds the memory that a long text takes
  for (std::size_t at = 0; at < tokens.size(); at += at_once) {
    predict(std::span(tokens).subspan(at, std::min(at_once, tokens.size() - at)));
  }
}

void Sampler::predict(std::span<const std::int64_t> tokens) {
  const auto length = static_cast<std::int64_t>(tokens.size() / written_.size());
  models_[0]->predict(tokens, length, *states_[0], logits_);
  if (models_.size() == 1) return;
  std::vector<std::vector<double>> means;
  for (std::size_t text = 0; text < written_.size(); ++text) means.push_back(probabilities_of(logits_of(text)));
  for (std::size_t i = 1; i < models_.size(); ++i) {
    models_[i]->predict(tokens, length, *states_[i], logits_);
    for (std::size_t text = 0; text < written_.size(); ++text) {
      const std::vector<double> more = probabilities_of(logits_of(text));
      std::ranges::transform(means[text], more, means[text].begin(), std::plus());
    }
  }
  // Logits are probabilities' logarithms but for a constant, so the sum is as good as the mean.
  for (std::size_t text = 0; text < written_.size(); ++text) {
    std::ranges::transform(means[text], logits_of(text).begin(),
                           [](double mean) { return static_cast<float>(std::log(mean)); });
  }
}

std::span<float> Sampler::logits_of(std::size_t text) {
  const auto size = static_cast<std::size_t>(vocabulary_.size());
  return std::span(logits_).subspan(text * size, size);
}

}  // namespace charrnn
