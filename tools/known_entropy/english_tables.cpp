#include "known_entropy/english_tables.hpp"

#include <cctype>
#include <cmath>
#include <initializer_list>
#include <sstream>
#include <string>
#include <vector>

namespace charrnn {
namespace {

// Word classes, the most frequent word first. Classes that meet in one state share no word (SyntheticText
// refuses it). Nouns and adjectives begin with a consonant, for "a"; all plurals and verb forms are made with
// a plain "s".
using Words = std::vector<std::string>;

Words words(const char* list, const char* ending = "") {
  Words result;
  std::istringstream in(list);
  for (std::string word; in >> word;) result.push_back(word + ending);
  return result;
}

constexpr const char* kNouns =
    "dog cat boy girl king bird house tree door road river hill town ship boat book letter song game ball "
    "hat coat ring cup lamp table bed room wall gate farm shop friend doctor sailor teacher farmer baker "
    "queen horse cow hen pig goat bear frog duck lake field garden star cloud storm stone flower pear plum "
    "cake nut coin key bell drum map tent bag jar pan rope sail nest shell";
constexpr const char* kTransitive =
    "see find take make like want need know keep hold help meet love call draw sell bring build clean move "
    "pull turn leave lose hear chase feed hide kick lift mend pick save show steal count break burn cut "
    "drop fear guard join paint follow";
constexpr const char* kIntransitive =
    "run sleep walk sing wait smile swim dance sit fall jump rest work play speak weep grow shine listen "
    "dream";
constexpr const char* kAdjectives =
    "big small good new long red young white black green blue brown short tall deep thin fat warm cold hot "
    "wet dry kind brave proud quick slow quiet loud bright dark soft hard sweet strange poor rich sad "
    "happy lazy tired";
constexpr const char* kSingularDeterminers = "the a his her my this our that your one every each";
constexpr const char* kPluralDeterminers = "some two many three these few those most five ten";
constexpr const char* kSingularPronouns = "he she it";
constexpr const char* kPluralPronouns = "they we you I";
constexpr const char* kObjectPronouns = "him them it us me you";
constexpr const char* kNames = "Tom Anna Ben Mary Jack Lucy Sam Kate Paul Rose Max Nora";
constexpr const char* kSingularCopulas = "is was looks seems feels";
constexpr const char* kPluralCopulas = "are were look seem feel";
constexpr const char* kModals = "can will must may should could";
constexpr const char* kOften = "never often always still also rarely";
constexpr const char* kPrepositions = "in on with near by under from at behind over beside above";
constexpr const char* kManners = "again today here slowly alone there well gladly together now badly softly";
constexpr const char* kConjunctions = "when while because if before until after as";
constexpr const char* kCommaConjunctions = "and but so for yet";
constexpr const char* kOpeners = "then now today soon once later tonight sometimes";
constexpr const char* kDegrees = "very so too quite";

enum State : std::size_t {
  kStart,    // of a sentence
  kSubject,  // of a clause inside a sentence
  kSingularNoun,
  kPluralNoun,  // of the subject
  kSingularVerb,
  kPluralVerb,  // after the subject: adverb, phrase or verb
  kSingularVerbOnly,
  kPluralVerbOnly,  // after adverb or phrase
  kSingularPhrase,
  kPluralPhrase,  // after a preposition between subject and verb, whose number …
  kSingularPhraseSingularNoun,
  kSingularPhrasePluralNoun,  // … is remembered
  kPluralPhraseSingularNoun,
  kPluralPhrasePluralNoun,
  kBaseVerb,  // after "can", "will" …
  kObject,
  kSingularObject,
  kPluralObject,  // after a verb or preposition
  kPredicate,
  kPredicateOnly,  // after "is"; after "is very"
  kTail,           // after a complete clause and a blank
  kAfterComma,
  kStates
};

/// What may stand after a word, with its share (of the shares' sum), and where it leads.
struct Ending {
  const char* text;
  double share;
  State next;
};
using Endings = std::vector<Ending>;

class Builder {
 public:
  /// In `state` choose, with `share` (the shares of a state add up to 1), a word of the class and one of the
  /// endings.
  void add(State state, double share, const Words& list, const Endings& endings) {
    double list_sum = 0, ending_sum = 0;
    for (std::size_t rank = 0; rank < list.size(); ++rank) list_sum += zipf(rank);
    for (const Ending& ending : endings) ending_sum += ending.share;
    for (std::size_t rank = 0; rank < list.size(); ++rank) {
      for (const Ending& ending : endings) {
        // Divisions and products only, rounded to whole numbers: the same on every machine.
        const double p = share * (zipf(rank) / list_sum) * (ending.share / ending_sum);
        std::string text = list[rank] + ending.text;
        if (state == kStart) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
        tables_[state].push_back(
            {std::move(text), static_cast<std::uint32_t>(std::lround(p * 1e9)), ending.next});
      }
    }
  }
  TextTables take() { return std::move(tables_); }

 private:
  static double zipf(std::size_t rank) { return 1.0 / (static_cast<double>(rank) + 4.0); }

  TextTables tables_{kStates};
};

}  // namespace

TextTables english_tables() {
  const Words nouns = words(kNouns), noun_plurals = words(kNouns, "s"), adjectives = words(kAdjectives);
  const Words singular_determiners = words(kSingularDeterminers),
              plural_determiners = words(kPluralDeterminers);
  const Words names = words(kNames), prepositions = words(kPrepositions);
  const auto then = [](State next) { return Endings{{" ", 1, next}}; };
  // After a complete clause: go on, or end the sentence, now and then with the line.
  const Endings clause_end = {
      {" ", 0.38, kTail}, {", ", 0.14, kAfterComma}, {". ", 0.36, kStart}, {".\n", 0.12, kStart}};

  Builder b;
  const auto subject = [&](State state, double share) {
    b.add(state, share * 0.46, singular_determiners, then(kSingularNoun));
    b.add(state, share * 0.20, plural_determiners, then(kPluralNoun));
    b.add(state, share * 0.12, words(kSingularPronouns), then(kSingularVerb));
    b.add(state, share * 0.10, words(kPluralPronouns), then(kPluralVerb));
    b.add(state, share * 0.12, names, then(kSingularVerb));
  };
  // A noun with any number of adjectives before it.
  const auto noun = [&](State state, const Words& list, const Endings& endings) {
    b.add(state, 0.28, adjectives, then(state));
    b.add(state, 0.72, list, endings);
  };
  const auto verb = [&](State state, double share, const char* ending) {
    b.add(state, share * 0.72, words(kTransitive, ending), then(kObject));
    b.add(state, share * 0.28, words(kIntransitive, ending), clause_end);
  };
  const auto predicate = [&](bool singular, State state, State verb_only, State phrase) {
    const Words copulas = words(singular ? kSingularCopulas : kPluralCopulas);
    for (const State s : {state, verb_only}) {
      const double share = s == state ? 0.74 : 1.0;
      verb(s, share * 0.70, singular ? "s" : "");
      b.add(s, share * 0.16, copulas, then(kPredicate));
      b.add(s, share * 0.14, words(kModals), then(kBaseVerb));
    }
    b.add(state, 0.10, words(kOften), then(verb_only));
    b.add(state, 0.16, prepositions, then(phrase));
  };

  b.add(kStart, 0.14, words(kOpeners), then(kSubject));
  subject(kStart, 0.86);
  subject(kSubject, 1.0);
  noun(kSingularNoun, nouns, then(kSingularVerb));
  noun(kPluralNoun, noun_plurals, then(kPluralVerb));
  predicate(true, kSingularVerb, kSingularVerbOnly, kSingularPhrase);
  predicate(false, kPluralVerb, kPluralVerbOnly, kPluralPhrase);
  b.add(kSingularPhrase, 0.75, singular_determiners, then(kSingularPhraseSingularNoun));
  b.add(kSingularPhrase, 0.25, plural_determiners, then(kSingularPhrasePluralNoun));
  b.add(kPluralPhrase, 0.75, singular_determiners, then(kPluralPhraseSingularNoun));
  b.add(kPluralPhrase, 0.25, plural_determiners, then(kPluralPhrasePluralNoun));
  noun(kSingularPhraseSingularNoun, nouns, then(kSingularVerbOnly));
  noun(kSingularPhrasePluralNoun, noun_plurals, then(kSingularVerbOnly));
  noun(kPluralPhraseSingularNoun, nouns, then(kPluralVerbOnly));
  noun(kPluralPhrasePluralNoun, noun_plurals, then(kPluralVerbOnly));
  verb(kBaseVerb, 1.0, "");
  b.add(kObject, 0.56, singular_determiners, then(kSingularObject));
  b.add(kObject, 0.24, plural_determiners, then(kPluralObject));
  b.add(kObject, 0.10, words(kObjectPronouns), clause_end);
  b.add(kObject, 0.10, names, clause_end);
  noun(kSingularObject, nouns, clause_end);
  noun(kPluralObject, noun_plurals, clause_end);
  b.add(kPredicate, 0.25, words(kDegrees), then(kPredicateOnly));
  b.add(kPredicate, 0.75, adjectives, clause_end);
  b.add(kPredicateOnly, 1.0, adjectives, clause_end);
  b.add(kTail, 0.52, prepositions, then(kObject));
  b.add(kTail, 0.24, words(kManners), {{". ", 0.75, kStart}, {".\n", 0.25, kStart}});
  b.add(kTail, 0.24, words(kConjunctions), then(kSubject));
  b.add(kAfterComma, 1.0, words(kCommaConjunctions), then(kSubject));
  return b.take();
}

}  // namespace charrnn
