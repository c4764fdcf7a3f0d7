#include "config/toml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "config/given_options.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

RunConfig read(const std::string& text, UnknownKeys unknown = UnknownKeys::kRefuse, Strings* notes = nullptr) {
  RunConfig config;
  read_toml(text, "run.toml", unknown, notes).apply(config);
  return config;
}

std::string refusal(const std::string& text) {
  return error_of<UsageError>([&] { read(text); });
}

/// Another value of the same type than the default.
void change(Value value, const Rule& rule) {
  std::visit(
      [&](auto* target) {
        using T = std::remove_cvref_t<decltype(*target)>;
        if constexpr (std::is_same_v<T, bool>) {
          *target = !*target;
        } else if constexpr (std::is_same_v<T, std::string>) {
          *target = *rule.choices != '\0' ? split(rule.choices, '|').back() : "a \"b\" \\ 'c' ä";
        } else if constexpr (std::is_same_v<T, Strings>) {
          *target = {"1e-3:4", "x\ty"};
        } else if constexpr (std::is_same_v<T, Paths>) {
          *target = {"a, b.txt", "c"};
        } else if constexpr (std::is_same_v<T, Numbers>) {
          *target = {0.1, 1.0 / 3};
        } else if constexpr (std::is_same_v<T, Integers>) {
          *target = {1, 2};
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          *target = 4'611'686'018'427'387'905;  // a double could not hold it
        } else {
          *target = 1.0 / 3 * 1e-7;
        }
      },
      value);
}

TEST(Toml, GivesEveryOptionBack) {
  for (const Option& option : option_table()) {
    RunConfig config;
    change(option.member(config), option.rule);
    const std::string text = write_toml(config);
    EXPECT_NE(text, write_toml(RunConfig())) << option.name;
    EXPECT_EQ(write_toml(read(text)), text) << option.name;
  }
  EXPECT_THAT(write_toml(RunConfig()), HasSubstr("\ntrain-fraction = 0.8\n"));
}

TEST(Toml, ReadsWhatVersion04Wrote) {
  const RunConfig config = read(R"([data]
bptt = 8
corpus = '/tmp/text.txt'
train-fraction = 0.90000000000000002

[model]
dropout-input = 0.10000000000000001

[optimizer]
groups = [ 'e.*=1e-3:0' ]
learning-rate = 1.0e-3
)");
  EXPECT_THAT(config.data.corpus, ElementsAre("/tmp/text.txt"));
  EXPECT_EQ(config.data.train_fraction, 0.9);
  EXPECT_EQ(config.model.dropout_input, 0.1);
  EXPECT_THAT(config.optimizer.groups, ElementsAre("e.*=1e-3:0"));
}

TEST(Toml, APathOrSeveral) {
  EXPECT_THAT(read("[data]\ncorpus = 'a,b.txt'\n").data.corpus, ElementsAre("a,b.txt"));
  EXPECT_THAT(read("[data]\ncorpus = ['a.txt', 'b']\n").data.corpus, ElementsAre("a.txt", "b"));
  EXPECT_EQ(refusal("[data]\ncorpus = [1]\n"), "run.toml:2:10: corpus must be a path, or a list of paths");
  RunConfig config;
  config.data.corpus = {"a,b.txt"};
  EXPECT_THAT(write_toml(config), HasSubstr("corpus = \"a,b.txt\"\n"));  // which earlier versions read, too
  config.data.corpus = {"a", "b"};
  EXPECT_THAT(write_toml(config), HasSubstr("corpus = [\"a\", \"b\"]\n"));
}

TEST(Toml, BothSpellingsOfAName) {
  EXPECT_EQ(read("[data]\nmin_freq = 2\n").data.min_freq, 2);
  EXPECT_EQ(refusal("[data]\nmin_freq = 2\nmin-freq = 3\n"), "run.toml:2:12: 'min-freq' is given twice");
}

TEST(Toml, MistakesHaveAPlaceAndAHint) {
  EXPECT_EQ(refusal("[data]\ncolums = 2\n"), "run.toml:2:10: [data] has no option 'colums'; did you mean 'columns'?");
  EXPECT_EQ(refusal("[date]\n"), "run.toml:1:1: there is no table [date]; did you mean 'data'?");
  EXPECT_EQ(refusal("columns = 2\n"), "run.toml:1:11: 'columns' belongs in the table [data]");
  EXPECT_EQ(refusal("[run]\ncolumns = 2\n"), "run.toml:2:11: 'columns' belongs in the table [data], not [run]");
  EXPECT_EQ(refusal("[[optimizer]]\nepochs = 1\n"),
            "run.toml:1:1: [optimizer] must be a table that stands there once, written [optimizer]");
  EXPECT_EQ(refusal("optimizer = 'sgd'\n"), "run.toml:1:13: 'optimizer' belongs in the table [optimizer]");
  EXPECT_THAT(refusal("[data\n"), HasSubstr("run.toml:1:6: not valid TOML: "));
}

TEST(Toml, TypesAreChecked) {
  EXPECT_EQ(refusal("[data]\ncolumns = '2'\n"), "run.toml:2:11: columns must be a whole number");
  EXPECT_EQ(refusal("[data]\ncolumns = 2.5\n"), "run.toml:2:11: columns must be a whole number");
  EXPECT_EQ(refusal("[data]\nlowercase = 1\n"), "run.toml:2:13: lowercase must be true or false");
  EXPECT_EQ(refusal("[optimizer]\nlearning-rate = true\n"), "run.toml:2:17: learning-rate must be a number");
  EXPECT_EQ(refusal("[optimizer]\nbetas = [0.9, 'x']\n"), "run.toml:2:9: betas must be a list of numbers");
  EXPECT_THAT(refusal("[schedule]\nphases = '1e-3:4'\n"), HasSubstr("phases must be a list of strings"));
  EXPECT_EQ(read("[optimizer]\nlearning-rate = 1\nbetas = [0, 0.5]\n").optimizer.learning_rate, 1.0);
}

TEST(Toml, WhatACheckpointSaysThatNobodyKnowsIsIgnored) {
  Strings notes;
  const RunConfig config = read("[data]\nbptt = 9\ntokens = 'bpe'\n[future]\nx = 1\n", UnknownKeys::kIgnore, &notes);
  EXPECT_EQ(config.data.bptt, 9);
  EXPECT_THAT(notes, ElementsAre("run.toml:3:10: [data] has no option 'tokens'; ignored",
                                 "run.toml:4:1: there is no table [future]; ignored"));
}

TEST(Toml, AnEmptyFileIsAnEmptyConfig) {
  const TemporaryFolder folder;
  const std::string path = folder.write("empty.toml", "").string();
  for (const std::string& file : {path, std::string("/dev/null")}) {
    RunConfig config;
    read_toml_file(file, nullptr).apply(config);
    EXPECT_EQ(write_toml(config), write_toml(RunConfig())) << file;
  }
  EXPECT_EQ(error_of<UsageError>([] { read_toml_file("/nowhere/run.toml", nullptr); }),
            "cannot read the config '/nowhere/run.toml': No such file or directory");
}

TEST(ConfigSources, AnErrorHasThePlaceOfItsOption) {
  ConfigSources sources;
  sources.both = read_toml("[data]\nbptt = 0\n", "run.toml", UnknownKeys::kRefuse, nullptr);
  EXPECT_EQ(sources.located(ConfigError("bptt", "`bptt` must be at least 1; see `columns`")),
            "run.toml:2:8: bptt must be at least 1; see `columns`");
  EXPECT_EQ(sources.located(ConfigError("columns", "`columns` must be")), "`columns` must be");
  EXPECT_EQ(sources.located(DataError("`bptt`")), "`bptt`");
}

}  // namespace
}  // namespace charrnn
