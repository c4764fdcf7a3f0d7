#include "data/corpus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "data/column_batches.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CorpusTest : public testing::Test {
 protected:
  const TextSource& file(const std::string& text) {
    return *texts_.emplace_back(open_text(folder_.write("text" + std::to_string(texts_.size()), text)));
  }

  TemporaryFolder folder_;
  std::vector<std::unique_ptr<TextSource>> texts_;
};

TEST_F(CorpusTest, FrequentCharactersFirstTiesByCodePointRareOnesUnknown) {
  // Training part: the first 10 characters "bbbaaaccéé"; z comes later and does not count.
  const TextSource& text = file("bbbaaaccéézzzzzzzz");
  const CorpusSummary summary = scan_corpus(text, {.vocabulary = {.min_freq = 3}, .train_characters = 10});
  EXPECT_EQ(summary.characters, 18);
  EXPECT_EQ(summary.bytes, 20);
  EXPECT_THAT(summary.symbols, ElementsAre("<unk>", "<pad>", "a", "b"));
  const CorpusSummary all = scan_corpus(text, {.vocabulary = {.min_freq = 2}, .train_characters = 10});
  EXPECT_THAT(all.symbols, ElementsAre("<unk>", "<pad>", "a", "b", "c", "é"));
}

TEST_F(CorpusTest, LowercaseFoldsBeforeCounting) {
  const CorpusSummary summary =
      scan_corpus(file("ÄäÄXx"), {.vocabulary = {.lowercase = true, .min_freq = 3}, .train_fraction = 1.0});
  EXPECT_THAT(summary.symbols, ElementsAre("<unk>", "<pad>", "ä"));
}

TEST_F(CorpusTest, FullVocabularyIsOrderedByCodePointAfterNul) {
  const CorpusSummary summary = scan_corpus(file("baé\n"), {.vocabulary = {.full = true}, .train_characters = 1});
  EXPECT_THAT(summary.symbols, ElementsAre("", "\n", "a", "b", "é"));
}

TEST_F(CorpusTest, FractionRoundsDown) {
  EXPECT_EQ(scan_corpus(file("0123456789a"), {.train_fraction = 0.8}).train_characters, 8);  // 8.8
}

TEST_F(CorpusTest, EncodesFromAnyCharacterOn) {
  // Longer than the stride of the offset index, with characters of one to four bytes.
  std::string text;
  std::vector<Token> expected;
  const std::string letters[] = {"a", "é", "€", "😀"};
  for (std::int64_t i = 0; i < 100'000; ++i) {
    const std::int64_t letter = i * i % 7 % 4;
    text += letters[letter];
    expected.push_back(static_cast<Token>(letter + 1));
  }
  const TextSource& mapped = file(text);
  const CorpusSummary summary = CorpusSummary::from_json(scan_corpus(mapped, {.vocabulary = {.full = true}}).to_json());
  const Vocabulary vocabulary = Vocabulary::from_symbols(summary.symbols, {.full = true});
  for (const std::int64_t first : {0, 1, 65'535, 65'536, 65'537, 99'990}) {
    std::vector<Token> wide(10);
    std::vector<std::uint8_t> narrow(10);
    encode(mapped, summary, vocabulary, first, std::span(wide));
    encode(mapped, summary, vocabulary, first, std::span(narrow));
    EXPECT_TRUE(std::equal(wide.begin(), wide.end(), expected.begin() + first)) << first;
    EXPECT_TRUE(std::equal(narrow.begin(), narrow.end(), expected.begin() + first)) << first;
  }
}

TEST_F(CorpusTest, BytesModeTakesAnything) {
  const TextSource& mapped = file(std::string("\xff\0\x80", 3));
  const CorpusSummary summary = scan_corpus(mapped, {.vocabulary = {.bytes = true}, .train_fraction = 1.0});
  EXPECT_EQ(summary.symbols.size(), 256U);
  const Vocabulary vocabulary = Vocabulary::from_symbols(summary.symbols, {.bytes = true});
  std::vector<std::uint8_t> tokens(3);
  encode(mapped, summary, vocabulary, 0, std::span(tokens));
  EXPECT_THAT(tokens, ElementsAre(0xff, 0, 0x80));
  std::string text;
  for (const std::uint8_t token : tokens) vocabulary.append_text(text, token);
  EXPECT_EQ(text, std::string("\xff\0\x80", 3));
}

TEST_F(CorpusTest, InvalidUtf8IsNamedByPosition) {
  for (const char* broken :
       {"aé\xff", "aé\xc3", "aé\xed\xa0\x80", "aé\xc0\x80"}) {  // stray, cut off, surrogate, overlong
    const std::string error = error_of<DataError>([&] { scan_corpus(file(broken), {}); });
    EXPECT_THAT(error, HasSubstr("not valid UTF-8 at byte 3")) << broken;
    EXPECT_THAT(error, HasSubstr("character 2"));
  }
}

TEST_F(CorpusTest, FilesThatAreNone) {
  EXPECT_THAT(error_of<DataError>([&] { open_text(folder_.path() / "missing"); }), HasSubstr("No such file"));
  EXPECT_THAT(error_of<DataError>([&] { open_text(folder_.path()); }), HasSubstr("is a directory"));
  EXPECT_THAT(error_of<DataError>([&] { file(""); }), HasSubstr("is empty"));
  EXPECT_THAT(error_of<DataError>([&] { scan_corpus(file("abc"), {.train_characters = 4}); }),
              HasSubstr("more than the 3 characters"));
  EXPECT_THAT(error_of<DataError>([&] { scan_corpus(file("abc"), {.vocabulary = {.min_freq = 2}}); }),
              HasSubstr("`min-freq`"));
}

TEST_F(CorpusTest, ColumnsAreNeighbouringPiecesOfTheText) {
  const TextSource& mapped = file("abcdefghijk");  // 11 characters in 3 columns: 3 rows, two characters left out
  const CorpusSummary summary = scan_corpus(mapped, {.vocabulary = {.min_freq = 1}, .train_fraction = 1.0});
  const Vocabulary vocabulary = Vocabulary::from_symbols(summary.symbols, {.min_freq = 1});
  const ColumnLayout layout(0, 11, 3);
  EXPECT_EQ(layout.rows(), 3);
  const Sharding sharding(2, 1, 2);  // "def" and "ghi", of the three columns
  const Range range = sharding.columns_of_rank(3);
  ColumnBatches batches(TokenArray(mapped, summary, vocabulary, layout.column_start(range.first), 6), layout, sharding,
                        BpttSchedule(1, layout.rows(), 2, false));
  ASSERT_EQ(batches.per_epoch(), 1);
  Batch batch;
  batches.load(0, 0, batch);
  const auto token = [](char c) { return 2 + (c - 'a'); };  // all equally frequent: by code point
  EXPECT_THAT(batch.micro_batches[0].inputs, ElementsAre(token('d'), token('g'), token('e'), token('h')));
  EXPECT_EQ(batch.all_targets, 6);
  EXPECT_THAT(batch.micro_batches[0].targets, ElementsAre(token('e'), token('h'), token('f'), token('i')));
}

}  // namespace
}  // namespace charrnn
