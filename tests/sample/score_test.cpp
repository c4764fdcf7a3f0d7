#include "sample/score.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"

namespace charrnn {
namespace {

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

}  // namespace
}  // namespace charrnn
