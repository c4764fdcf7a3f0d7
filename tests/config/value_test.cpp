#include "config/value.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.hpp"
#include "config/nearest.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;

template <class T>
T parsed(const Strings& words) {
  T value{};
  parse_value(words, "key", &value);
  return value;
}

template <class T>
std::string refusal(const Strings& words) {
  try {
    parsed<T>(words);
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.key(), "key");
    return error.what();
  }
  return "accepted";
}

std::string refusal(Value value, const Rule& rule) {
  try {
    check_value("key", value, rule);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Value, WholeNumbersAreDecimal) {
  EXPECT_EQ(parsed<std::int64_t>({"010"}), 10);
  EXPECT_EQ(parsed<std::int64_t>({"08"}), 8);
  EXPECT_EQ(parsed<std::int64_t>({"-3"}), -3);
  EXPECT_EQ(parsed<std::int64_t>({"1e3"}), 1000);
  EXPECT_EQ(parsed<std::int64_t>({"9223372036854775807"}), INT64_MAX);
  for (const char* word : {"0x10", "1.5", "1e-3", "8 ", " 8", "8x", "1_000", "", "nan", "inf", "five"}) {
    EXPECT_EQ(refusal<std::int64_t>({word}), "`key` must be a whole number, not '" + std::string(word) + "'");
  }
  // Neither saturated nor rounded.
  for (const char* word : {"9223372036854775808", "99999999999999999999", "-1e30"}) {
    EXPECT_EQ(refusal<std::int64_t>({word}), "`key` cannot be as large as " + std::string(word));
  }
}

TEST(Value, OtherTypes) {
  EXPECT_EQ(parsed<double>({"1e-3"}), 1e-3);
  EXPECT_EQ(refusal<double>({"0.1x"}), "`key` must be a number, not '0.1x'");
  EXPECT_TRUE(parsed<bool>({"on"}));
  EXPECT_FALSE(parsed<bool>({"false"}));
  EXPECT_EQ(refusal<bool>({"maybe"}), "`key` must be on or off, not 'maybe'");
  EXPECT_EQ(parsed<std::string>({"a,b"}), "a,b");
  EXPECT_THAT(parsed<Strings>({"a,b", "c"}), ElementsAre("a", "b", "c"));
  EXPECT_THAT(parsed<Paths>({"a,b", "c"}), ElementsAre("a,b", "c"));
  EXPECT_THAT(parsed<Numbers>({"0.9,0.95"}), ElementsAre(0.9, 0.95));
  EXPECT_THAT(parsed<Integers>({"4", "16"}), ElementsAre(4, 16));
}

TEST(Value, TextHasTheFewestDigits) {
  for (const auto& [number, text] :
       {std::pair{0.1, "0.1"}, {1e-8, "1e-8"}, {1e-3, "0.001"}, {1.0, "1"}, {1e300, "1e+300"}, {1e-30, "1e-30"}}) {
    double value = number;
    EXPECT_EQ(to_text(&value), text);
    EXPECT_EQ(to_toml(&value), text);
  }
  Strings list{"1e-3:4", "say \"hi\"\\\n"};
  EXPECT_EQ(to_text(&list), "1e-3:4,say \"hi\"\\\n");
  EXPECT_EQ(to_toml(&list), R"(["1e-3:4", "say \"hi\"\\\u000a"])");
  bool flag = true;
  EXPECT_EQ(to_text(&flag), "on");
  EXPECT_EQ(to_toml(&flag), "true");
}

TEST(Value, Rules) {
  std::int64_t whole = 0;
  EXPECT_EQ(refusal(&whole, at_least(0)), "accepted");
  EXPECT_EQ(refusal(&whole, at_least(1)), "`key` must be at least 1, not 0");
  whole = 201;
  EXPECT_EQ(refusal(&whole, between(1, 200)), "`key` must be at most 200, not 201");
  double number = 1;
  EXPECT_EQ(refusal(&number, probability()), "`key` must be less than 1, not 1");
  number = 0;
  EXPECT_EQ(refusal(&number, probability()), "accepted");
  EXPECT_EQ(refusal(&number, more_than(0)), "`key` must be more than 0, not 0");
  for (const double none : {NAN, INFINITY}) {
    number = none;
    EXPECT_NE(refusal(&number, {}), "accepted");
  }
  Numbers list{0.9, 1.5};
  EXPECT_EQ(refusal(&list, probability()), "`key` must be less than 1, not 1.5");
  std::string text = "adm";
  EXPECT_EQ(refusal(&text, one_of("adam|sgd")), "`key` must be one of adam, sgd, not 'adm'; did you mean 'adam'?");
  text = "a\nb";
  EXPECT_EQ(refusal(&text, {}), "`key` has control characters in it");
  EXPECT_EQ(refusal(&text, {.free_text = true}), "accepted");
  text = "a\xff";
  EXPECT_NE(refusal(&text, {}), "accepted");
}

TEST(Nearest, IsTheOneWithTheFewestChanges) {
  const Strings words{"columns", "epochs", "engine"};
  EXPECT_EQ(nearest("column", words), "columns");
  EXPECT_EQ(nearest("eproch", words), "epochs");
  EXPECT_EQ(nearest("x", words), "");
  EXPECT_EQ(nearest("zzzzzzzz", words), "");
  EXPECT_EQ(did_you_mean("engin", words), "; did you mean 'engine'?");
}

}  // namespace
}  // namespace charrnn
