#include "sample/score.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "models/parameter_layout.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;

/// A model of zeros: every character is as probable as any other.
LoadedModel indifferent(ThreadTeam& team, std::int64_t window = 0) {
  LoadedModel loaded{.path = "a.h5",
                     .checkpoint = {},
                     .settings = {.model = {.model = "gru", .hidden = 8, .embedding = 4}, .window = window},
                     .vocabulary = Vocabulary::from_counts({{U'a', 3}, {U'b', 2}, {U'c', 1}}, {.full = true}),
                     .model = {}};
  loaded.model = make_model(loaded.settings.model, loaded.vocabulary.size(), {.device = {}, .team = team});
  return loaded;
}

TEST(Score, OfAModelThatKnowsNothingIsTheLogarithmOfItsVocabulary) {
  ThreadTeam team;
  const LoadedModel loaded = indifferent(team);  // \0, a, b, c
  EXPECT_NEAR(score(loaded, "ab"), std::log(4), 1e-6);
  EXPECT_NEAR(score(loaded, std::string(1000, 'b')), std::log(4), 1e-6);
}

TEST(Score, RefusesACharacterForWhichThereIsNoToken) {
  ThreadTeam team;
  EXPECT_THROW(score(indifferent(team), "axb"), DataError);
}

TEST(Score, NeedsSomethingToPredictInATextAsAWhole) {
  ThreadTeam team;
  EXPECT_THROW(score(indifferent(team), ""), DataError);
  EXPECT_THROW(score(indifferent(team), "a"), DataError);
  EXPECT_THROW(score(indifferent(team, 8), "abcabcabcabc"), DataError);
}

/// Writes down what it is told.
class Told final : public ScoreObserver {
 public:
  bool wants_stop() override { return std::ssize(characters) >= stop_after; }
  void on_member(const Member& member) override { members.push_back(member.name); }
  void on_character(const ScoredCharacter& character) override { characters.push_back(character); }

  std::vector<std::string> members;
  std::vector<ScoredCharacter> characters;
  std::int64_t stop_after = 1'000'000;
};

/// A text in pieces of `size` bytes, as a pipe may bring it.
class Pieces final : public TextSource {
 public:
  Pieces(std::string text, std::size_t size) : TextSource("pieces"), text_(std::move(text)), size_(size) {}

  std::unique_ptr<TextReader> read(Activity&) const override { return std::make_unique<Reader>(text_, size_); }

 private:
  class Reader final : public TextReader {
   public:
    Reader(const std::string& text, std::size_t size) : text_(text), size_(size) {}
    bool next_member() override { return !std::exchange(is_begun_, true); }
    std::span<const unsigned char> read() override {
      const std::span all(reinterpret_cast<const unsigned char*>(text_.data()), text_.size());
      const auto piece = all.subspan(at_, std::min(size_, all.size() - at_));
      at_ += piece.size();
      return piece;
    }
    const Member& member() const override { return member_; }
    std::int64_t size() const override { return 0; }
    std::int64_t position() const override { return static_cast<std::int64_t>(at_); }

   private:
    const std::string& text_;
    std::size_t size_, at_ = 0;
    Member member_{.name = "a pipe", .file_name = "", .path = "", .unpack = ""};
    bool is_begun_ = false;
  };

  std::string text_;
  std::size_t size_;
};

TEST(ScoreText, ThePiecesOfATextDoNotMatter) {
  ThreadTeam team;
  LoadedModel loaded = indifferent(team);
  std::vector<float> parameters(static_cast<std::size_t>(loaded.model->layout().size()));
  initialise(loaded.model->layout(), 1, parameters);
  loaded.model->load_parameters(parameters);
  std::string text;
  for (std::size_t i = 0; i < 5000; ++i) text += "aabbbc"[i * i % 6];
  const std::vector<float> expected = log_probabilities(loaded, text);
  for (const std::size_t size : {1U, 7U, 64U, 1025U, 5000U}) {
    Told told;
    score_text(loaded, Pieces(text, size), told);
    ASSERT_EQ(told.characters.size(), text.size());
    EXPECT_FALSE(told.characters[0].nats.has_value());
    for (std::size_t i = 1; i < text.size(); ++i) {
      ASSERT_EQ(told.characters[i].nats, -static_cast<double>(expected[i - 1])) << i;
      ASSERT_EQ(told.characters[i].character, static_cast<unsigned char>(text[i]));
    }
    EXPECT_THAT(told.members, ElementsAre("a pipe"));
  }
}

TEST(ScoreText, CharactersMayBeCutBetweenPieces) {
  ThreadTeam team;
  LoadedModel loaded = indifferent(team);
  loaded.vocabulary = Vocabulary::from_counts({{U'\u00e9', 3}, {U'\u20ac', 2}}, {});  // <unk>, <pad> and two: four, too
  Told told;
  score_text(loaded, Pieces("\u00e9\u20acx", 1), told);
  ASSERT_EQ(told.characters.size(), 3U);
  EXPECT_EQ(told.characters[1].character, U'\u20ac');
  EXPECT_TRUE(told.characters[1].is_known);
  EXPECT_FALSE(told.characters[2].is_known);
  EXPECT_NEAR(*told.characters[2].nats, std::log(4), 1e-6);
}

TEST(ScoreText, RefusesWhatScoreRefuses) {
  ThreadTeam team;
  Told told;
  EXPECT_THROW(score_text(indifferent(team), MemoryText("abxa"), told), DataError);
  EXPECT_THROW(score_text(indifferent(team), MemoryText("a\xff"), told), DataError);
  EXPECT_THROW(score_text(indifferent(team), MemoryText(""), told), DataError);
  EXPECT_THROW(score_text(indifferent(team), MemoryText("a"), told), DataError);
  EXPECT_THROW(score_text(indifferent(team, 8), MemoryText("abcabcabcabc"), told), DataError);
}

TEST(ScoreText, StopsWhenItIsTold) {
  ThreadTeam team;
  Told told;
  told.stop_after = 3000;
  EXPECT_THROW(score_text(indifferent(team), MemoryText(std::string(100'000, 'a')), told), Interrupted);
  EXPECT_LT(told.characters.size(), 6000U);
}

}  // namespace
}  // namespace charrnn
