// Text from a source whose entropy is known, so that a trained model's loss can be held against the best loss
// that any model can reach, not only against another model's.
//
// The source is a Markov chain over states. In a state it chooses one of that state's texts (a word together
// with the blank or punctuation after it), writes it, and goes to the state that the choice names. Two
// properties of the tables make everything here exact; the constructor refuses tables that lack one:
//  - In every state no text equals or begins another one of that state. So, read from the start, the
//    characters tell at the last character of each text which choice was made, and hence the next state: text
//    and sequence of choices determine each other one to one, and the characters carry exactly the entropy of
//    the choices. (With two ways to write one string the characters would carry less, and the figure below
//    would be too high.)
//  - Every state can be reached from every other, so the chain has one stationary distribution.
// The entropy rate follows by renewal reward (Cover and Thomas, "Elements of Information Theory",
// section 4.2, for the entropy per choice; Asmussen, "Applied Probability and Queues", chapter VI, for the
// ratio):
//     h = sum_s pi(s) H(choice | s)  /  sum_s pi(s) E[characters of the choice | s]      nats per character,
// where pi is the stationary distribution over states, one step per choice. What is fixed by the past, such
// as the capital after a full stop, costs nothing in this sum, as it costs an ideal reader nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace charrnn {

/// One thing that the source may write in a state. Its probability is weight / (sum of the state's weights):
/// whole numbers, so that the text is the same on every machine and the entropy is that of exactly these
/// probabilities.
struct TextChoice {
  std::string text;
  std::uint32_t weight = 0;
  std::size_t next = 0;  ///< the state after it
};

/// All choices of all states; state 0 is where a text starts.
using TextTables = std::vector<std::vector<TextChoice>>;

class SyntheticText {
 public:
  /// Throws DataError, naming state and text, where the tables lack a property above, have a state without
  /// choices, a choice without text or weight, or a `next` beyond the last state.
  explicit SyntheticText(TextTables tables);

  /// The first `characters` characters of the text that belongs to `seed`. A shorter text of one seed is the
  /// beginning of a longer one. A word may be cut at the end.
  std::string generate(std::uint64_t seed, std::size_t characters) const;

  /// h, in nats per character: no model's expected loss on fresh text is lower.
  double entropy_rate() const { return entropy_rate_; }
  /// Standard deviation of the mean surprisal of `characters` successive characters around the entropy rate,
  /// in nats per character: from the tables, by the central limit theorem for the chain (asymptotic variance
  /// through Poisson's equation, so dependence between words is in it), not estimated from a text. For long
  /// texts.
  double standard_error(std::size_t characters) const;
  /// pi, one entry per state, sum 1: the share of choices made in each state.
  std::span<const double> stationary() const { return stationary_; }
  /// The denominator of h: mean characters of a choice, blanks and punctuation included.
  double characters_per_choice() const { return characters_per_choice_; }
  const TextTables& tables() const { return tables_; }

  /// Mean of -log p(character | all characters before it in `text`) over the characters [first, last), in
  /// nats, under the source: the loss of the ideal model on that part. Exact wherever the part begins or
  /// ends, inside a word too. `text` must begin where a text of the source begins; throws DataError at a
  /// character that cannot follow.
  double mean_loss(std::string_view text, std::size_t first, std::size_t last) const;

  /// A possible next character.
  struct Edge {
    char character;
    double probability;   ///< given all that was read so far
    double surprisal;     ///< -log(probability), nats
    std::uint32_t place;  ///< the place after it
  };

  /// Reads a text of the source from its start, character by character. Refers to the SyntheticText.
  class Reader {
   public:
    explicit Reader(const SyntheticText& source) : source_(&source) {}
    /// Every character that may come next, each once; the probabilities add up to one.
    std::span<const Edge> next() const;
    /// Steps over one character and returns its surprisal in nats; infinity, without a step, if it cannot
    /// follow.
    double advance(char character);
    /// Where the reader stands (a node of the tries below): all that the future depends on. From 0; below the
    /// number of states it is the state in which the source makes its next choice, otherwise it lies inside a
    /// text.
    std::uint32_t place() const { return place_; }

   private:
    const SyntheticText* source_;
    std::uint32_t place_ = 0;
  };

 private:
  void check_tables() const;
  void build_tries();
  void solve_chain();

  TextTables tables_;
  std::vector<std::vector<std::uint64_t>> cumulative_;  // per state: running sums of the weights
  std::vector<std::vector<Edge>> edges_;  // per place: places 0 … states-1 are the roots of the tries
  std::vector<double> stationary_;
  double entropy_rate_ = 0;
  double characters_per_choice_ = 0;
  double variance_per_character_ = 0;  // of the summed surprisal, asymptotically
};

}  // namespace charrnn
