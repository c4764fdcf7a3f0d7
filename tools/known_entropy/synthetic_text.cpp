#include "known_entropy/synthetic_text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "base/error.hpp"
#include "base/random.hpp"

namespace charrnn {
namespace {

/// Whether every state is reached from state 0 along the choices, or, `backwards`, reaches it.
bool all_connected(const TextTables& tables, bool backwards) {
  std::vector<bool> seen(tables.size(), false);
  seen[0] = true;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t state = 0; state < tables.size(); ++state) {
      for (const TextChoice& choice : tables[state]) {
        const std::size_t from = backwards ? choice.next : state;
        const std::size_t to = backwards ? state : choice.next;
        if (seen[from] && !seen[to]) seen[to] = changed = true;
      }
    }
  }
  return std::find(seen.begin(), seen.end(), false) == seen.end();
}

/// A text for an error message, without line breaks.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) out += c == '\n' ? std::string("\\n") : std::string(1, c);
  return out + "\"";
}

/// Uniform in 0 … bound-1, without bias: the few words beyond the last multiple of `bound` are drawn again.
std::uint64_t uniform_below(RandomStream& random, std::uint64_t bound) {
  const std::uint64_t rejected = (0 - bound) % bound;  // 2^64 mod bound
  for (;;) {
    const std::uint64_t high = random.next();
    const std::uint64_t word = high << 32 | random.next();
    if (word >= rejected) return word % bound;
  }
}

}  // namespace

SyntheticText::SyntheticText(TextTables tables) : tables_(std::move(tables)) {
  check_tables();
  build_tries();
  solve_chain();
}

void SyntheticText::check_tables() const {
  require(!tables_.empty(), "text tables: there is no state; give at least one");
  for (std::size_t state = 0; state < tables_.size(); ++state) {
    const auto& choices = tables_[state];
    require(!choices.empty(), "text tables: state {} has no choices; give it at least one", state);
    // Sorted, a text that begins others stands right before one of them.
    std::vector<std::string_view> texts;
    for (const TextChoice& choice : choices) {
      require(!choice.text.empty(), "text tables: state {} has a choice without text; remove it", state);
      require(choice.weight > 0, "text tables: state {}, text {}: weight 0; remove it or weigh it", state,
              in_quotes(choice.text));
      require(choice.next < tables_.size(), "text tables: state {}, text {}: next state {} of only {} states", state,
              in_quotes(choice.text), choice.next, tables_.size());
      texts.push_back(choice.text);
    }
    std::sort(texts.begin(), texts.end());
    for (std::size_t i = 1; i < texts.size(); ++i)
      require(!texts[i].starts_with(texts[i - 1]),
              "text tables: state {}: text {} begins text {}, so the characters do not tell the choice; "
              "change one",
              state, in_quotes(texts[i - 1]), in_quotes(texts[i]));
  }
  require(all_connected(tables_, false) && all_connected(tables_, true),
          "text tables: some state cannot be reached from the start or cannot get back to it; add choices "
          "that do");
}

void SyntheticText::build_tries() {
  // Per place: the weight of all choices that come through it, and the places after it by character.
  struct Node {
    std::uint64_t weight = 0;
    std::map<char, std::uint32_t> children;
  };
  std::vector<Node> nodes(tables_.size());
  for (std::size_t state = 0; state < tables_.size(); ++state) {
    std::uint64_t total = 0;
    cumulative_.emplace_back();
    for (const TextChoice& choice : tables_[state]) {
      cumulative_.back().push_back(total += choice.weight);
      std::uint32_t place = static_cast<std::uint32_t>(state);
      nodes[place].weight += choice.weight;
      for (const char c : choice.text) {
        const auto [child, is_new] = nodes[place].children.try_emplace(c, static_cast<std::uint32_t>(nodes.size()));
        place = child->second;
        if (is_new) nodes.emplace_back();
        nodes[place].weight += choice.weight;
      }
    }
  }

  // The last character of a text leads to the root of the next state, which takes the leaf's place.
  std::vector<std::uint32_t> place_of(nodes.size());
  for (std::uint32_t i = 0; i < nodes.size(); ++i) place_of[i] = i;
  for (std::size_t state = 0; state < tables_.size(); ++state) {
    for (const TextChoice& choice : tables_[state]) {
      std::uint32_t place = static_cast<std::uint32_t>(state);
      for (const char c : choice.text) place = nodes[place].children.at(c);
      place_of[place] = static_cast<std::uint32_t>(choice.next);
    }
  }

  edges_.resize(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (const auto& [c, child] : nodes[i].children) {
      const double probability = static_cast<double>(nodes[child].weight) / static_cast<double>(nodes[i].weight);
      edges_[i].push_back({c, probability, -std::log(probability), place_of[child]});
    }
  }
}

std::string SyntheticText::generate(std::uint64_t seed, std::size_t characters) const {
  RandomStream random(seed, Purpose::kCorpus);
  std::string text;
  text.reserve(characters);
  std::size_t state = 0;
  while (text.size() < characters) {
    const auto& cumulative = cumulative_[state];
    const std::uint64_t draw = uniform_below(random, cumulative.back());
    const auto index = std::upper_bound(cumulative.begin(), cumulative.end(), draw) - cumulative.begin();
    const TextChoice& choice = tables_[state][static_cast<std::size_t>(index)];
    text.append(choice.text, 0, characters - text.size());
    state = choice.next;
  }
  return text;
}

double SyntheticText::mean_loss(std::string_view text, std::size_t first, std::size_t last) const {
  require(first < last && last <= text.size(), "no characters [{}, {}) in a text of {}", first, last, text.size());
  Reader reader(*this);
  double sum = 0;
  for (std::size_t i = 0; i < last; ++i) {
    const double surprisal = reader.advance(text[i]);
    if (!std::isfinite(surprisal)) {  // require() would write its message for every character
      throw DataError(fmt::format("character {} ({}) cannot follow in this source: not a text of it", i,
                                  in_quotes(text.substr(i, 1))));
    }
    if (i >= first) sum += surprisal;
  }
  return sum / static_cast<double>(last - first);
}

std::span<const SyntheticText::Edge> SyntheticText::Reader::next() const {
  return source_->edges_[place_];
}

double SyntheticText::Reader::advance(char character) {
  for (const Edge& edge : next()) {
    if (edge.character == character) {
      place_ = edge.place;
      return edge.surprisal;
    }
  }
  return std::numeric_limits<double>::infinity();
}

}  // namespace charrnn
