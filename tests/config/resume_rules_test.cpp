#include "config/resume_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Gives the option a value that is not the default.
void change(const Option& option, RunConfig& config) {
  const Value value = option.member(config);
  std::visit(
      [&](auto* target) {
        using T = std::remove_cvref_t<decltype(*target)>;
        if constexpr (std::is_same_v<T, bool>) {
          *target = !*target;
        } else if constexpr (std::is_same_v<T, std::string>) {
          *target = "another";
        } else if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, double>) {
          *target += 1;
        } else {
          target->resize(target->size() + 1);
          parse_value({to_text(target) + "1"}, option.name, target);
        }
      },
      value);
}

std::string refusal(const RunConfig& then, const RunConfig& now, bool threads_decide_bits = true) {
  try {
    changes_on_resume(then, now, threads_decide_bits, "run/latest");
  } catch (const ConfigError& error) {
    return error.key();
  }
  return "accepted";
}

TEST(ResumeRules, RowByRow) {
  for (const bool reproducible : {false, true}) {
    for (const Option& option : option_table()) {
      RunConfig then;
      then.run.reproducible = reproducible;
      RunConfig now = then;
      change(option, now);
      const bool refused =
          option.on_resume == OnResume::kFixed || (reproducible && option.on_resume == OnResume::kFixedIfReproducible);
      EXPECT_EQ(refusal(then, now), refused ? option.name : "accepted") << option.name << reproducible;
      EXPECT_TRUE(refused || changes_on_resume(then, now, true, "").size() == 1) << option.name;
    }
  }
}

TEST(ResumeRules, WhatMustStay) {
  // What a text becomes, the model, the seed, and which moments there are; not where the text is.
  for (const Option& option : option_table()) {
    const std::string table = option.table, name = option.name;
    const bool fixed =
        (table == "data" && name != "corpus") || table == "model" || name == "seed" || name == "optimizer";
    EXPECT_EQ(option.on_resume == OnResume::kFixed, fixed) << name;
  }
}

TEST(ResumeRules, SayWhatChanges) {
  RunConfig then, now;
  EXPECT_THAT(changes_on_resume(then, now, true, ""), IsEmpty());
  now.optimizer.learning_rate = 5e-4;
  now.optimizer.epochs = 8;
  now.schedule.phases = {"1e-3:4", "1e-4:4"};
  now.run.reproducible = true;
  EXPECT_THAT(changes_on_resume(then, now, true, ""),
              ElementsAre("`learning-rate` 0.001 -> 0.0005", "`epochs` 0 -> 8", "`phases` (none) -> 1e-3:4,1e-4:4",
                          "`reproducible` off -> on"));
}

TEST(ResumeRules, SayWhatCannotChange) {
  RunConfig then, now;
  now.data.bptt = 11;
  now.model.dropout = 0.1;
  try {
    changes_on_resume(then, now, true, "run/latest");
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.key(), "bptt");
    EXPECT_STREQ(
        error.what(),
        "cannot resume from 'run/latest': `bptt` is 11, was 8; `dropout` is 0.1, was 0; leave it as it was, or "
        "start a new run from these weights with `init-from`");
  }
}

TEST(ResumeRules, ThreadsMatterWhereTheyDecideTheBits) {
  RunConfig then, now;
  then.run.reproducible = now.run.reproducible = true;
  now.run.threads = 3;
  EXPECT_EQ(refusal(then, now, true), "threads");
  EXPECT_EQ(refusal(then, now, false), "accepted");
}

TEST(ResumeRules, TheModeMayBeGivenUp) {
  RunConfig then, now;
  then.run.reproducible = true;
  now.run.precision = "bf16";
  EXPECT_THAT(changes_on_resume(then, now, true, ""),
              ElementsAre("`precision` fp32 -> bf16", "`reproducible` on -> off"));
}

}  // namespace
}  // namespace charrnn
