#include "config/option_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "config/given_options.hpp"

namespace charrnn {
namespace {

/// The smallest config that is valid.
RunConfig sound() {
  RunConfig config;
  config.data.corpus = {"text.txt"};
  return config;
}

std::string refusal(const RunConfig& config) {
  try {
    validate(config);
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("`" + error.key() + "`"), std::string::npos);
    return error.what();
  }
  return "accepted";
}

TEST(OptionTable, NamesAreThereOnceAndTablesTogether) {
  std::set<std::string> names, tables;
  std::string table;
  for (const Option& option : option_table()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    for (const std::string& older : split(option.older, '|')) EXPECT_TRUE(names.insert(older).second) << older;
    EXPECT_TRUE(table == option.table || tables.insert(option.table).second) << option.name;
    table = option.table;
    EXPECT_EQ(std::string(option.name).find('_'), std::string::npos) << option.name;
  }
}

TEST(OptionTable, MembersAreDifferent) {
  RunConfig config;
  std::set<void*> members;
  for (const Option& option : option_table()) {
    void* const member = std::visit([](auto* one) { return static_cast<void*>(one); }, option.member(config));
    EXPECT_TRUE(members.insert(member).second) << option.name;
  }
}

TEST(OptionTable, HelpHasOneStyle) {
  for (const Option& option : option_table()) {
    const std::string help = option.help;
    EXPECT_FALSE(help.ends_with('.')) << option.name;
    EXPECT_TRUE(std::islower(static_cast<unsigned char>(help[0])) != 0 || option.name == std::string("optimizer"))
        << option.name;
    RunConfig config;
    const bool is_flag = std::holds_alternative<bool*>(option.member(config));
    EXPECT_EQ(*option.value == '\0', is_flag || *option.rule.choices != '\0') << option.name;
  }
}

TEST(OptionTable, DefaultsAreValid) {
  EXPECT_EQ(refusal(sound()), "accepted");
  EXPECT_EQ(refusal(RunConfig()), "no text to train on: give `corpus`, or corpus under [data] in a config");
}

TEST(OptionTable, LimitsAreChecked) {
  for (const Option& option : option_table()) {
    RunConfig config = sound();
    const Value value = option.member(config);
    if (auto* const* whole = std::get_if<std::int64_t*>(&value)) {
      **whole = static_cast<std::int64_t>(option.rule.least) - 1;
      EXPECT_NE(refusal(config), "accepted") << option.name;
    } else if (auto* const* number = std::get_if<double*>(&value)) {
      **number = option.rule.least - 1;
      EXPECT_NE(refusal(config), "accepted") << option.name;
    } else if (auto* const* text = std::get_if<std::string*>(&value)) {
      **text = *option.rule.choices != '\0' ? "bogus" : "a\nb";
      EXPECT_NE(refusal(config), "accepted") << option.name;
    }
  }
}

TEST(Check, OptionsAgainstEachOther) {
  RunConfig config = sound();
  config.data.stride = 2;
  EXPECT_EQ(refusal(config), "`stride`, `windows` and `predict` need `window`, which is 0: running text");
  config = sound();
  config.data.window = 8;
  config.data.train_characters = 100;
  EXPECT_EQ(refusal(config), "`train-characters` is for running text; windows are divided by `train-fraction`");
  config = sound();
  config.data.window = 8;
  config.data.shuffle = 100;
  EXPECT_EQ(refusal(config), "`shuffle` is for running text; with `window` windows come in random order anyway");
  config = sound();
  config.optimizer.betas = {0.9};
  EXPECT_EQ(refusal(config), "`betas` must be two numbers, not 1");
  config = sound();
  config.run.name = "..";
  EXPECT_EQ(refusal(config), "`name` must be the name of a folder in `run-dir`, not '..'");
  config = sound();
  config.run.reproducible = true;
  config.data.columns = 4;
  EXPECT_EQ(refusal(config),
            "`micro-batches` 8 are groups of whole columns, and there are only 4: lower it, or raise `columns`");
}

TEST(OptionTable, OlderNamesAreUnderstood) {
  const std::vector<Option> rows{{"run", "new-name", nullptr, OnResume::kFree, {}, "N", "", "old-name|older-name"}};
  for (const char* name : {"new-name", "new_name", "old-name", "older_name"})
    EXPECT_EQ(find_option(rows, name), rows.data());
  EXPECT_EQ(find_option(rows, "name"), nullptr);
}

TEST(GivenOptions, AreApartFromDefaults) {
  GivenOptions file, line;
  parse_value({"32"}, "columns", file.give(*find_option(option_table(), "columns"), "run.toml:2:1"));
  parse_value({"10"}, "bptt", file.give(*find_option(option_table(), "bptt"), "run.toml:3:1"));
  parse_value({"64"}, "columns", line.give(*find_option(option_table(), "columns"), ""));  // which is the default
  file.add(line);
  RunConfig config;
  config.data.columns = 7;
  config.model.hidden = 9;
  file.apply(config);
  EXPECT_EQ(config.data.columns, 64);
  EXPECT_EQ(config.data.bptt, 10);
  EXPECT_EQ(config.model.hidden, 9) << "was not given";
  EXPECT_EQ(file.place_of("bptt"), "run.toml:3:1");
  EXPECT_EQ(file.place_of("columns"), "");
  EXPECT_EQ(file.place_of("hidden"), "");
}

}  // namespace
}  // namespace charrnn
