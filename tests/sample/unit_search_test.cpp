#include "sample/unit_search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"

namespace charrnn {
namespace {

using ::testing::ElementsAre;

std::vector<double> values(std::string_view feature, const std::string& text) {
  std::vector<std::string> characters;
  for (const char c : text) characters.emplace_back(1, c);
  return find_feature(feature).values(characters);
}

TEST(TextFeatures, SayWhatAReaderSees) {
  EXPECT_THAT(values("quotes", "a\"bc\"d"), ElementsAre(0, 1, 1, 1, 0, 0));
  EXPECT_THAT(values("line", "ab\nc"), ElementsAre(1, 2, 0, 1));
  EXPECT_THAT(values("indent", " \ta b\n c"), ElementsAre(1, 5, 5, 5, 5, 0, 1, 1));
  EXPECT_THAT(values("word", "ab c"), ElementsAre(1, 2, 0, 1));
  EXPECT_THAT(find_feature("quotes").values(std::vector<std::string>{"“", "x", "”"}), ElementsAre(1, 1, 0));
  EXPECT_THROW(find_feature("colour"), UsageError);
}

TEST(UnitSearch, PutsTheStrongestCorrelationFirst) {
  // Unit 0 never changes, 1 follows the values, 2 goes against them, 3 has little to do with them.
  Activations seen{
      .characters = {"a", "b", "c", "d"}, .layers = 2, .width = 2, .vocabulary = 1, .units = {}, .logits = {}};
  seen.units = {.5F, 0.0F, 0.9F, 0.3F, .5F, 0.1F, 0.7F, -.3F, .5F, 0.2F, 0.2F, -.3F, .5F, 0.3F, 0.3F, 0.4F};
  const auto found = best_units(seen, std::vector<double>{0, 1, 2, 3}, 3);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].layer * 2 + found[0].unit, 1);
  EXPECT_NEAR(found[0].correlation, 1, 1e-6);
  EXPECT_EQ(found[1].layer * 2 + found[1].unit, 2);
  EXPECT_NEAR(found[1].correlation, -0.898684, 1e-6);  // numpy.corrcoef
  EXPECT_EQ(found[2].layer * 2 + found[2].unit, 3);
}

TEST(UnitSearch, FindsNothingWhereNothingChanges) {
  const Activations seen{
      .characters = {"a", "b"}, .layers = 1, .width = 1, .vocabulary = 1, .units = {0.1F, 0.2F}, .logits = {}};
  EXPECT_TRUE(best_units(seen, std::vector<double>{1, 1}, 3).empty());
}

}  // namespace
}  // namespace charrnn
