// How well a model predicts a text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/activity.hpp"
#include "data/text_source.hpp"
#include "sample/loaded_model.hpp"

namespace charrnn {

/// The mean loss of all characters of `text` but the first, in nats, read from a hidden state of zero: what
/// `charrnn_dist eval` prints. DataError for fewer than two characters, for one that the vocabulary lacks if it has no
/// token for unknown ones, and for a model that reads windows.
///
///     const double loss = score(load_model(file, compute), "To be, or not to be");
double score(const LoadedModel& loaded, std::string_view text);

/// The same one by one: the natural logarithm of the probability of every character of `text` but the first.
std::vector<float> log_probabilities(const LoadedModel& loaded, std::string_view text);

/// A character of a text, or a byte where the model reads bytes.
struct ScoredCharacter {
  char32_t character = 0;
  bool is_known = true;        ///< to the vocabulary; else it was read, and its loss is that of, <unk>
  std::optional<double> nats;  ///< its loss; the first character of a text has none
};

/// Who is told while score_text() reads.
class ScoreObserver : public Activity {
 public:
  /// The characters that follow are of this member.
  virtual void on_member(const Member& member) = 0;
  virtual void on_character(const ScoredCharacter& character) = 0;
};

/// Scores a text of any length, in little memory, and of a stream what has come so far. Returns what is no part of the text.
/// Errors are those of score() and of TextReader; Interrupted if the observer wants to stop.
LeftOut score_text(const LoadedModel& loaded, const TextSource& text, ScoreObserver& observer);

}  // namespace charrnn
