#include "data/corpus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "data/scanned_here.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CorpusSummary scan(const std::string& text, const CorpusOptions& options) {
  return ScannedHere(MemoryText(text), options).summary;
}

std::string refusal(const std::string& text, const CorpusOptions& options = {}) {
  return error_of<DataError>([&] { scan(text, options); });
}

std::string sha256_of(const std::string& bytes) {
  Sha256 digest;
  digest.update(bytes.data(), bytes.size());
  return digest.hex();
}

TEST(Corpus, FrequentCharactersFirstTiesByCodePointRareOnesUnknown) {
  // Training part: the first 10 characters "bbbaaaccéé"; z comes later and does not count.
  const std::string text = "bbbaaaccéézzzzzzzz";
  const CorpusSummary summary = scan(text, {.vocabulary = {.min_freq = 3}, .train_characters = 10});
  EXPECT_EQ(summary.characters, 18);
  EXPECT_EQ(summary.members, 1);
  EXPECT_EQ(summary.sha256, sha256_of(text));
  EXPECT_THAT(summary.symbols, ElementsAre("<unk>", "<pad>", "a", "b"));
  const CorpusSummary all = scan(text, {.vocabulary = {.min_freq = 2}, .train_characters = 10});
  EXPECT_THAT(all.symbols, ElementsAre("<unk>", "<pad>", "a", "b", "c", "é"));
}

TEST(Corpus, BytesAreAdvisedToCommandsThatTakeThem) {
  const std::string wide("\xff\xfe\0a", 4);
  for (const std::string& text :
       {wide, std::string("na\xefve"), std::string("\u00e9\u00e9\u00e9 \xff"), std::string("\xc1\x81\x90\x8f")}) {
    EXPECT_THAT(refusal(text), HasSubstr("use `bytes`, or "));
    const std::string said = refusal(text, {.takes_bytes = false});
    EXPECT_FALSE(said.empty());
    EXPECT_THAT(said, testing::Not(HasSubstr("bytes`")));
  }
}

TEST(Corpus, LowercaseFoldsBeforeCounting) {
  const CorpusOptions options{.vocabulary = {.lowercase = true, .min_freq = 3}, .train_fraction = 1.0};
  EXPECT_THAT(scan("ÄäÄXx", options).symbols, ElementsAre("<unk>", "<pad>", "ä"));
}

TEST(Corpus, FullVocabularyIsOrderedByCodePointAfterNul) {
  EXPECT_THAT(scan("baé\n", {.vocabulary = {.full = true}, .train_characters = 1}).symbols,
              ElementsAre("", "\n", "a", "b", "é"));
}

TEST(Corpus, FractionRoundsDown) {
  EXPECT_EQ(scan("0123456789a", {.train_fraction = 0.8}).train_characters, 8);  // 8.8
}

/// A character of one to four bytes, by some rule.
std::int64_t letter(std::int64_t i) {
  return i * i % 7 % 4;
}

TEST(Corpus, EncodesFromAnyCharacterOn) {
  // Longer than a block of the stored text and than a piece of reading, which cuts characters.
  constexpr std::int64_t kLength = 1'500'000;
  const std::string letters[] = {"a", "é", "€", "😀"};
  std::string text;
  for (std::int64_t i = 0; i < kLength; ++i) text += letters[letter(i)];
  const ScannedHere here(MemoryText(text), {.vocabulary = {.full = true}});
  EXPECT_EQ(here.summary.characters, kLength);
  EXPECT_EQ(here.summary.sha256, sha256_of(text));
  for (const std::int64_t first : {0, 1, 65'535, 65'536, 65'537, 1'499'990 - 200'000}) {
    const std::vector<std::int64_t> tokens = here.encoded(first, 200'000);
    for (std::int64_t i = 0; i < std::ssize(tokens); ++i) {
      ASSERT_EQ(tokens[static_cast<std::size_t>(i)], letter(first + i) + 1) << first + i;
    }
  }
}

TEST(Corpus, CountsBothParts) {
  // 200,000 of a, then as many of b, with an é on each side of the division at the third quarter.
  std::string text = std::string(200'000, 'a') + std::string(200'000, 'b');
  text.replace(299'999, 2, "éé");
  const CorpusSummary summary = scan(text, {.vocabulary = {.min_freq = 2}, .train_characters = 300'000});
  ASSERT_EQ(summary.alphabet.size(), 129U);  // ASCII, then é
  EXPECT_EQ(summary.alphabet[128], U'é');
  EXPECT_EQ(summary.training_counts['a'], 200'000);
  EXPECT_EQ(summary.training_counts['b'], 99'999);
  EXPECT_EQ(summary.training_counts[128], 1);
  EXPECT_EQ(summary.validation_counts['a'], 0);
  EXPECT_EQ(summary.validation_counts['b'], 99'999);
  EXPECT_EQ(summary.validation_counts[128], 1);
}

TEST(Corpus, ShareOfAnyVocabulary) {
  const CorpusSummary summary = scan("aaabbXXcdefg", {.vocabulary = {.min_freq = 2}, .train_characters = 8});
  const VocabularyShare own = summary.share(Vocabulary::from_symbols(summary.symbols, {}));
  EXPECT_EQ(own.different, 8);
  EXPECT_EQ(own.known, 3);  // a, b, X
  EXPECT_DOUBLE_EQ(own.unknown_training, 1.0 / 8);
  EXPECT_DOUBLE_EQ(own.unknown_validation, 1);
  const VocabularyShare other =
      summary.share(Vocabulary::from_symbols({"<unk>", "<pad>", "x", "d", "e"}, {.lowercase = true}));
  EXPECT_EQ(other.different, 8);
  EXPECT_EQ(other.known, 3);
  EXPECT_DOUBLE_EQ(other.unknown_training, 6.0 / 8);
  EXPECT_DOUBLE_EQ(other.unknown_validation, 0.5);
}

TEST(Corpus, AFullVocabularyOfAnotherTextMustHaveEverything) {
  const ScannedHere here(MemoryText("abcabc\u00e9"), {.vocabulary = {.full = true}});
  const auto encode = [&](const std::vector<std::string>& symbols) {
    return error_of<DataError>(
        [&] { TokenArray(here.numbers, here.summary, Vocabulary::from_symbols(symbols, {.full = true}), 0, 1); });
  };
  EXPECT_EQ(encode({"", "a", "b", "c", "é"}), "");
  EXPECT_THAT(encode({"", "a", "b", "é"}), HasSubstr("the character 'c' (number 2)"));
  EXPECT_THAT(encode({"", "a", "b", "c"}), HasSubstr("(number 6)"));
}

TEST(Corpus, BytesModeTakesAnything) {
  const std::string bytes("\xef\xbb\xbf\xff\0\x80", 6);  // what looks like a byte order mark is three bytes, too
  const ScannedHere here(MemoryText(bytes), {.vocabulary = {.bytes = true}, .train_fraction = 1.0});
  EXPECT_EQ(here.summary.symbols.size(), 256U);
  const std::vector<std::int64_t> tokens = here.encoded(0, 6);
  EXPECT_THAT(tokens, ElementsAre(0xef, 0xbb, 0xbf, 0xff, 0, 0x80));
  std::string text;
  for (const std::int64_t token : tokens) here.vocabulary.append_text(text, static_cast<Token>(token));
  EXPECT_EQ(text, bytes);
}

TEST(Corpus, ANulIsACharacter) {
  const std::string text("a\0b\0\0", 5);
  for (const bool full : {false, true}) {
    const ScannedHere here(MemoryText(text), {.vocabulary = {.full = full}});
    std::string again;
    for (const std::int64_t token : encode_text(here.vocabulary, text, "the text", nullptr)) {
      here.vocabulary.append_text(again, static_cast<Token>(token));
    }
    EXPECT_EQ(again, full ? "ab" : text);  // a full vocabulary has a '\0' of its own, which is not written
  }
}

TEST(Corpus, InvalidUtf8IsNamedByPosition) {
  for (const char* broken :
       {"aé\xff", "aé\xc3", "aé\xed\xa0\x80", "aé\xc0\x80"}) {  // stray, cut off, surrogate, overlong
    const std::string error = refusal(broken);
    EXPECT_THAT(error, HasSubstr("not valid UTF-8 at byte 3")) << broken;
    EXPECT_THAT(error, HasSubstr("character 2"));
  }
  // In the middle of a character that two pieces of the reading share.
  std::string text(TextReader::kPiece - 1, 'a');
  EXPECT_THAT(refusal(text + "\xc3(" + text), HasSubstr("not valid UTF-8 at byte 1048575 (0xc3, character 1048575)"));
  EXPECT_EQ(refusal(text + "é" + text), "");
}

TEST(Corpus, AByteOrderMarkIsNoCharacter) {
  const std::string mark = "\xef\xbb\xbf", text = "abcabcabc";
  const CorpusSummary plain = scan(text, {}), marked = scan(mark + text, {});
  EXPECT_EQ(marked.characters, 9);
  EXPECT_EQ(marked.sha256, plain.sha256) << "it is the same text";
  EXPECT_EQ(scan("a" + mark + text, {}).characters, 11) << "elsewhere it is one";
  EXPECT_THAT(refusal(mark), HasSubstr("is empty"));
}

TEST(Corpus, AnOldCheckpointKeepsItsByteOrderMark) {
  const std::string text = "\xef\xbb\xbf" + std::string("abcabcabc");
  const CorpusSummary old = scan(text, {.vocabulary = {.full = true}, .known_sha256 = sha256_of(text)});
  EXPECT_EQ(old.sha256, sha256_of(text));
  EXPECT_EQ(old.characters, 10);
  EXPECT_THAT(old.symbols, ElementsAre("", "a", "b", "c", "\xef\xbb\xbf"));
  // Any other checkpoint does not.
  const CorpusSummary other = scan(text, {.known_sha256 = sha256_of(text.substr(3))});
  EXPECT_EQ(other.sha256, sha256_of(text.substr(3)));
}

TEST(Corpus, TextsThatAreNone) {
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(refusal("abc", {.train_characters = 4}), HasSubstr("more than the 3 characters"));
  EXPECT_THAT(refusal("abc", {.vocabulary = {.min_freq = 2}}), HasSubstr("`min-freq`"));
}

/// Wants to stop when it has been asked some times.
class StopAfter final : public Activity {
 public:
  explicit StopAfter(int calls) : calls_(calls) {}
  bool wants_stop() override { return --calls_ < 0; }

 private:
  int calls_;
};

TEST(Corpus, CanBeStoppedWhileItIsReadAndWhileItIsCounted) {
  const MemoryText text(std::string(8 << 20, 'a'));
  int pieces = 0;
  for (bool is_done = false; !is_done; ++pieces) {
    StopAfter activity(pieces);
    try {
      scan_corpus(text, {}, activity);
      is_done = true;
    } catch (const Interrupted&) {
      is_done = false;
    }
  }
  EXPECT_GT(pieces, 8 + 8) << "reading asks once per MB, counting the validation part once per block";
}

}  // namespace
}  // namespace charrnn
