// Writes text with a model, one character after the other, carrying the hidden state along.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "data/vocabulary.hpp"
#include "models/language_model.hpp"
#include "sample/token_choice.hpp"

namespace charrnn {

class Sampler {
 public:
  /// UsageError for options out of range.
  Sampler(LanguageModel& model, const Vocabulary& vocabulary, const SampleOptions& options);

  /// Reads a text before writing, of any length. An empty one stands for a newline, or for the first token
  /// where there is none. Returns the characters that the vocabulary does not know, each once; they are read
  /// as unknown, or left out if the vocabulary has no such token.
  std::vector<char32_t> prime(std::string_view text);

  /// The next character (a byte in bytes mode).
  std::string next();

 private:
  void read(const std::vector<std::int64_t>& tokens);

  LanguageModel& model_;
  const Vocabulary& vocabulary_;
  SampleOptions options_;
  std::vector<std::int64_t> excluded_;  ///< tokens that stand for no character
  RandomStream random_;
  std::unique_ptr<HiddenState> state_;
  std::vector<float> logits_;
};

}  // namespace charrnn
