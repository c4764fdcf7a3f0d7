#include "known_entropy/synthetic_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "known_entropy/english_tables.hpp"

namespace charrnn {
namespace {

const SyntheticText& english() {
  static const SyntheticText source(english_tables());
  return source;
}

std::string sha256_of(const std::string& text) {
  Sha256 digest;
  digest.update(text.data(), text.size());
  return digest.hex();
}

/// The surprisal of every character.
std::vector<double> surprisals(const SyntheticText& source, const std::string& text) {
  SyntheticText::Reader reader(source);
  std::vector<double> result;
  for (const char c : text) result.push_back(reader.advance(c));
  return result;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// All edges of every place that can be reached, by place.
std::map<std::uint32_t, std::vector<SyntheticText::Edge>> all_places(const SyntheticText& source) {
  std::map<std::uint32_t, std::vector<SyntheticText::Edge>> places;
  std::vector<SyntheticText::Reader> open = {SyntheticText::Reader(source)};
  while (!open.empty()) {
    const SyntheticText::Reader reader = open.back();
    open.pop_back();
    if (places.contains(reader.place())) continue;
    places[reader.place()].assign(reader.next().begin(), reader.next().end());
    for (const auto& edge : reader.next()) {
      open.push_back(reader);
      open.back().advance(edge.character);
    }
  }
  return places;
}

/// State 0 writes "a" (1/2, stays) or "bc" (1/2, to state 1); state 1 writes "ba" (3/4, back) or "bb " (1/4,
/// stays).
SyntheticText tiny() {
  return SyntheticText({{{"a", 5, 0}, {"bc", 5, 1}}, {{"ba", 3, 0}, {"bb ", 1, 1}}});
}

TEST(SyntheticText, EntropyOfATinyGrammarIsThatWorkedOutByHand) {
  // pi0 = pi0/2 + 3/4 pi1, so pi = (3/5, 2/5). H0 = ln 2, H1 = ln 4 - 3/4 ln 3. E[length] = 3/2 and 9/4.
  // h = (3/5 ln 2 + 2/5 (2 ln 2 - 3/4 ln 3)) / (9/10 + 9/10) = (7/5 ln 2 - 3/10 ln 3) / (9/5).
  const SyntheticText source = tiny();
  EXPECT_NEAR(source.stationary()[0], 0.6, 1e-15);
  EXPECT_NEAR(source.stationary()[1], 0.4, 1e-15);
  EXPECT_NEAR(source.characters_per_choice(), 1.8, 1e-15);
  EXPECT_NEAR(source.entropy_rate(), (14 * std::log(2.0) - 3 * std::log(3.0)) / 18, 1e-15);
}

TEST(SyntheticText, VarianceOfAnIndependentSourceIsThatWorkedOutByHand) {
  // One state, "a" with 1/4 or "b" with 3/4: the surprisals are independent, their variance p q (ln p/q)^2.
  const SyntheticText source({{{"a", 1, 0}, {"b", 3, 0}}});
  EXPECT_NEAR(source.standard_error(100), std::sqrt(3.0 / 16) * std::log(3.0) / 10, 1e-15);
}

TEST(SyntheticText, VarianceOfADependentSourceIsThatOfAllItsTexts) {
  // Brute force: the variance of the surprisal of n characters over all texts grows by one constant a
  // character once n is large; the difference of two lengths leaves out what the start adds.
  const SyntheticText source = tiny();
  const auto places = all_places(source);
  struct Moments {
    double p = 0, first = 0, second = 0;
  };
  const auto variance = [&](int n) {
    std::map<std::uint32_t, Moments> now = {{0, {1, 0, 0}}};
    for (int i = 0; i < n; ++i) {
      std::map<std::uint32_t, Moments> after;
      for (const auto& [place, m] : now) {
        for (const auto& edge : places.at(place)) {
          Moments& to = after[edge.place];
          const double x = edge.surprisal - source.entropy_rate();
          to.p += edge.probability * m.p;
          to.first += edge.probability * (m.first + x * m.p);
          to.second += edge.probability * (m.second + 2 * x * m.first + x * x * m.p);
        }
      }
      now = std::move(after);
    }
    double first = 0, second = 0;
    for (const auto& [place, m] : now) first += m.first, second += m.second;
    return second - first * first;
  };
  EXPECT_NEAR(std::pow(source.standard_error(1), 2), (variance(600) - variance(400)) / 200, 1e-10);
}

TEST(SyntheticText, EntropyRateIsThatOfTheChainOfCharacters) {
  // A second way to the same number: power iteration over the tries' places, one character a step.
  const auto places = all_places(english());
  std::map<std::uint32_t, double> pi = {{0, 1.0}};
  std::vector<double> now(places.rbegin()->first + 1, 0.0), after(now.size());
  now[0] = 1;
  for (int step = 0; step < 4000; ++step) {
    std::fill(after.begin(), after.end(), 0.0);
    for (const auto& [place, edges] : places) {
      after[place] += 0.5 * now[place];  // half a step: no period
      for (const auto& edge : edges) after[edge.place] += 0.5 * edge.probability * now[place];
    }
    now.swap(after);
  }
  double rate = 0;
  for (const auto& [place, edges] : places)
    for (const auto& edge : edges) rate += now[place] * edge.probability * edge.surprisal;
  EXPECT_NEAR(rate, english().entropy_rate(), 1e-11);
}

TEST(SyntheticText, NextCharactersAreDistinctAndTheirProbabilitiesAddUpToOne) {
  const auto places = all_places(english());
  EXPECT_GT(places.size(), 1000U);
  for (const auto& [place, edges] : places) {
    double sum = 0;
    std::string characters;
    for (const auto& edge : edges) {
      sum += edge.probability;
      EXPECT_EQ(characters.find(edge.character), std::string::npos) << "place " << place;
      characters += edge.character;
      EXPECT_NEAR(edge.surprisal, -std::log(edge.probability), 1e-15);
    }
    EXPECT_NEAR(sum, 1, 1e-12) << "place " << place;
  }
}

TEST(SyntheticText, TextIsFixedByTheSeed) {
  const std::string text = english().generate(1, 200'000);
  EXPECT_EQ(text.size(), 200'000U);
  EXPECT_EQ(sha256_of(text), "f090dd54c64ca4207df542cdc55132c0f9a3a30e6f551e7fc45c8e48144bd287");
  EXPECT_EQ(english().generate(1, 12'345), text.substr(0, 12'345));
  EXPECT_NE(english().generate(2, 1'000), text.substr(0, 1'000));
  EXPECT_NE(english().generate(std::uint64_t{1} << 32 | 1, 1'000), text.substr(0, 1'000));
}

TEST(SyntheticText, MeanSurprisalAgreesWithTheEntropyRate) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const std::string text = english().generate(seed, 2'000'000);
    const double error = english().standard_error(text.size());
    EXPECT_LT(error, 0.001);
    EXPECT_NEAR(english().mean_loss(text, 0, text.size()), english().entropy_rate(), 4 * error);
  }
}

TEST(SyntheticText, StandardErrorAgreesWithTheScatterOfBatches) {
  constexpr std::size_t kBatch = 2'000, kBatches = 2'000;
  const std::vector<double> all = surprisals(english(), english().generate(5, kBatch * kBatches));
  std::vector<double> squares;
  for (auto at = all.begin(); at != all.end(); at += kBatch)
    squares.push_back(std::pow(mean({at, at + kBatch}) - english().entropy_rate(), 2));
  // The relative standard error of a standard deviation from n values is 1/sqrt(2 n), 1.6 %.
  EXPECT_NEAR(std::sqrt(mean(squares)) / english().standard_error(kBatch), 1, 4 * 0.016);
}

TEST(SyntheticText, LossOfAPartIsTheMeanOverItsCharactersWhereverItBegins) {
  const std::string text = english().generate(7, 3'000);
  const std::vector<double> all = surprisals(english(), text);
  for (std::size_t split = 1'000; split < 1'020; ++split) {
    EXPECT_NEAR(english().mean_loss(text, split, 2'500),
                mean({all.begin() + static_cast<std::ptrdiff_t>(split), all.begin() + 2'500}), 1e-12);
  }
  // -log p of a whole text is the sum over its choices: "a" 1/2, "bc" 1/2, "bb " 1/4, "ba" 3/4.
  EXPECT_NEAR(tiny().mean_loss("abcbb ba", 0, 8), (std::log(2 * 2 * 4) + std::log(4.0 / 3)) / 8, 1e-15);
}

TEST(SyntheticText, SmallWeightsAreDrawnExactly) {
  // An error of one in a draw of 0 … 3 shows; among the billion of the English tables it would not.
  const SyntheticText source({{{"a", 1, 0}, {"b", 3, 0}}});
  const std::string text = source.generate(1, 100'000);
  const auto count = static_cast<double>(std::count(text.begin(), text.end(), 'a'));
  EXPECT_NEAR(count, 25'000, 4 * std::sqrt(100'000 * 3.0 / 16));
}

TEST(SyntheticText, StatesAndWordsComeAsOftenAsTheTablesSay) {
  const std::string text = english().generate(11, 4'000'000);
  const TextTables& tables = english().tables();
  std::vector<double> visits(tables.size(), 0);
  std::vector<std::map<std::string, double>> counts(tables.size());
  SyntheticText::Reader reader(english());
  std::size_t state = 0, begin = 0;
  double choices = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    reader.advance(text[i]);
    if (reader.place() >= tables.size()) continue;
    visits[state] += 1;
    choices += 1;
    counts[state][text.substr(begin, i + 1 - begin)] += 1;
    state = reader.place();
    begin = i + 1;
  }
  EXPECT_NEAR(static_cast<double>(begin) / choices, english().characters_per_choice(), 0.01);
  for (std::size_t s = 0; s < tables.size(); ++s) {
    // Visits of one state in a chain may cluster: twice the standard error of independent ones, four times.
    const double share = english().stationary()[s];
    EXPECT_NEAR(visits[s] / choices, share, 8 * std::sqrt(share / choices)) << "state " << s;
    // Within a state choices are independent: chi squared, as a normal with mean n - 1 and variance 2 (n -
    // 1).
    double total = 0, chi = 0;
    for (const TextChoice& choice : tables[s]) total += choice.weight;
    for (const TextChoice& choice : tables[s]) {
      const double expected = visits[s] * choice.weight / total;
      chi += std::pow(counts[s][choice.text] - expected, 2) / expected;
    }
    const double freedom = static_cast<double>(tables[s].size()) - 1;
    EXPECT_NEAR(chi, freedom, 5 * std::sqrt(2 * freedom)) << "state " << s;
    EXPECT_EQ(counts[s].size(), tables[s].size())
        << "state " << s << " writes what it should not, or not all";
  }
}

TEST(SyntheticText, EnglishTextLooksLikeSentences) {
  const std::string text = english().generate(1, 100'000);
  for (std::size_t i = 0; i + 2 < text.size(); ++i) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    ASSERT_TRUE(letter(text[i]) || std::string(" ,.\n").find(text[i]) != std::string::npos) << i;
    if (text[i] == '.') {
      ASSERT_TRUE(text[i + 1] == ' ' || text[i + 1] == '\n') << i;
      ASSERT_TRUE(text[i + 2] >= 'A' && text[i + 2] <= 'Z') << i;
    }
  }
}

TEST(SyntheticText, RefusesTablesWhoseCharactersDoNotTellTheChoice) {
  const auto message = [](const TextTables& tables) -> std::string {
    try {
      SyntheticText source(tables);
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  };
  // One word in two classes of a state; a word that begins another one.
  EXPECT_NE(message({{{"light ", 1, 0}, {"dog ", 1, 1}, {"light ", 2, 1}}, {{"x", 1, 0}}})
                .find("\"light \" begins"),
            std::string::npos);
  EXPECT_NE(message({{{"cats", 1, 0}, {"cat", 1, 0}}}).find("\"cat\" begins text \"cats\""),
            std::string::npos);
  EXPECT_EQ(message({{{"cats ", 1, 0}, {"cat ", 1, 0}}}), "accepted");
  // The same word in two states is no doubt: the state is known.
  EXPECT_EQ(message({{{"x ", 1, 1}}, {{"x ", 1, 0}}}), "accepted");
  EXPECT_NE(message({}).find("no state"), std::string::npos);
  EXPECT_NE(message({{}}).find("no choices"), std::string::npos);
  EXPECT_NE(message({{{"", 1, 0}}}).find("without text"), std::string::npos);
  EXPECT_NE(message({{{"a", 0, 0}}}).find("weight 0"), std::string::npos);
  EXPECT_NE(message({{{"a", 1, 1}}}).find("next state 1"), std::string::npos);
  EXPECT_NE(message({{{"a", 1, 0}}, {{"b", 1, 0}}}).find("cannot be reached"), std::string::npos);
  EXPECT_NE(message({{{"a", 1, 1}}, {{"b", 1, 1}}}).find("cannot be reached"), std::string::npos);
}

TEST(SyntheticText, RefusesATextThatIsNotItsOwn) {
  EXPECT_THROW(english().mean_loss("Zzz", 0, 3), DataError);
  EXPECT_THROW(english().mean_loss("The ", 2, 2), DataError);
  EXPECT_THROW(english().mean_loss("The ", 0, 5), DataError);
}

}  // namespace
}  // namespace charrnn
