// Writes texts with a model, one character after the other.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "data/vocabulary.hpp"
#include "models/language_model.hpp"
#include "sample/token_choice.hpp"

namespace charrnn {

/// Carries the hidden state along. For a model that was trained on windows (`window` > 0) it reads the last
/// `window` characters anew for every character, as the notebook's get_next_n does. Several models are an
/// ensemble: the mean of their probabilities decides. Texts that are written at once differ in their random
/// numbers only; the first one is what it would be alone.
///
///     Sampler sampler({&model}, vocabulary, {.temperature = 0.8});
///     sampler.prime("to be ");
///     const std::string text = sampler.write(200);
class Sampler {
 public:
  /// The models share `vocabulary`. The texts are those from number `first` on: each number has random numbers of its own.
  /// UsageError for options out of range.
  Sampler(std::vector<LanguageModel*> models, const Vocabulary& vocabulary, const SampleOptions& options,
          std::int64_t window = 0, std::int64_t texts = 1, std::int64_t first = 0);

  /// Reads a text, of any length, the same for all: before writing, and again to go on after it. If nothing has been read
  /// before, an empty one stands for a newline (a window of them), or for the first token where there is none. Returns the
  /// characters that the vocabulary does not know, each once; they are read as unknown, or left out if the vocabulary has no
  /// such token. UsageError for a text that does not fill a window.
  std::vector<char32_t> prime(std::string_view text);

  /// What the models themselves expect as the next character of the first text, whatever the options are: the
  /// probability of each token, which sum to 1.
  std::vector<double> probabilities();
  /// The next character (a byte in bytes mode) of each text.
  const std::vector<std::string>& next();
  /// The tokens of these characters.
  const std::vector<std::int64_t>& chosen() const { return chosen_; }
  /// The next `length` characters of the first text; nothing if `wants_stop`, asked before each, says so.
  std::string write(std::int64_t length, const std::function<bool()>& wants_stop = {});

 private:
  /// Tokens [length, texts].
  void read(const std::vector<std::int64_t>& tokens);
  void predict(std::span<const std::int64_t> tokens);
  std::span<float> logits_of(std::size_t text);

  std::vector<LanguageModel*> models_;
  const Vocabulary& vocabulary_;
  SampleOptions options_;
  std::vector<std::int64_t> excluded_;  ///< tokens that stand for no character
  std::vector<RandomStream> random_;    ///< one a text
  std::vector<std::unique_ptr<HiddenState>> states_;
  std::int64_t window_;
  bool has_read_ = false;
  std::vector<std::int64_t> last_;  ///< the window's characters [window, texts]
  std::vector<float> logits_;       ///< [texts, vocabulary]
  std::vector<std::int64_t> chosen_;
  std::vector<std::string> written_;
};

}  // namespace charrnn
