// Who computes what: the table of engines.
#include "models/engine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "config/option_table.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelConfig model_of(const std::string& name) {
  ModelConfig model;
  model.model = name;
  return model;
}

constexpr Device kCpu{}, kGpu{.cuda = true};

/// Which of the two engines can compute the model, in the table's order.
std::vector<std::string> engines_for(const std::string& model, const Device& device, Precision precision) {
  std::vector<std::string> found;
  for (const Engine& engine : engines().first(2)) {
    if (!engine.why_not(model_of(model), device, precision)) found.emplace_back(engine.name);
  }
  return found;
}

TEST(Engines, SayWhatTheyCanCompute) {
  for (const char* cell : {"rnn", "gru", "lstm", "CharRnn"}) {
    EXPECT_THAT(engines_for(cell, kCpu, Precision::kFp32), ElementsAre("native", "torch")) << cell;
    EXPECT_THAT(engines_for(cell, kCpu, Precision::kTf32), ElementsAre("native", "torch")) << cell;
    EXPECT_THAT(engines_for(cell, kCpu, Precision::kBf16), ElementsAre("native")) << cell;
    EXPECT_THAT(engines_for(cell, kGpu, Precision::kFp32), ElementsAre("torch")) << cell;
    EXPECT_THAT(engines_for(cell, kGpu, Precision::kBf16), ElementsAre("torch")) << cell;
  }
  for (const char* cell : {"gru_cell", "char_loop", "CharLoopConcatModel"}) {
    EXPECT_THAT(engines_for(cell, kCpu, Precision::kFp32), ElementsAre("torch")) << cell;
    EXPECT_THAT(engines_for(cell, kCpu, Precision::kTf32), ElementsAre("torch")) << cell;
    EXPECT_THAT(engines_for(cell, kGpu, Precision::kTf32), ElementsAre("torch")) << cell;
    EXPECT_THAT(engines_for(cell, kCpu, Precision::kBf16), ElementsAre()) << cell;
    EXPECT_THAT(engines_for(cell, kGpu, Precision::kFp32), ElementsAre("torch")) << cell;
    EXPECT_THAT(engines_for(cell, kGpu, Precision::kBf16), ElementsAre()) << cell;
  }
}

TEST(Precisions, HaveTheNamesOfTheOption) {
  for (const std::string& name : split(find_option(option_table(), "precision")->choices_to_predict, '|')) {
    EXPECT_NO_THROW(precision_named(name)) << name;
  }
  EXPECT_EQ(precision_named("tf32"), Precision::kTf32);
  EXPECT_THROW(precision_named("fp16"), ConfigError);
}

TEST(Engines, AreTheChoicesOfTheOption) {
  std::vector<std::string> names{"auto"};
  for (const Engine& engine : engines()) names.emplace_back(engine.name);
  EXPECT_THAT(split(find_option(option_table(), "engine")->rule.choices, '|'),
              testing::UnorderedElementsAreArray(names));
}

TEST(Engines, AutoIsTheFirstThatCan) {
  ThreadTeam team;
  const auto name = [&](const char* model, const Device& device, Precision precision = Precision::kFp32) {
    return find_engine(model_of(model), {.device = device, .precision = precision, .team = team}).name;
  };
  EXPECT_EQ(name("lstm", kCpu), "native");
  EXPECT_EQ(name("lstm", kGpu), "torch");
  EXPECT_EQ(name("lstm", kGpu, Precision::kBf16), "torch");
  EXPECT_EQ(name("lstm_cell", kCpu), "torch");
}

/// The key at fault and the message of a choice that is refused.
std::pair<std::string, std::string> refusal(const char* model, const Compute& compute) {
  try {
    find_engine(model_of(model), compute);
  } catch (const ConfigError& error) {
    return {error.key(), error.what()};
  }
  return {};
}

TEST(Engines, SayWhyTheyCannot) {
  ThreadTeam team;
  const auto [unknown, names] = refusal("lstm", {.device = kCpu, .engine = "abacus", .team = team});
  EXPECT_EQ(unknown, "engine");
  EXPECT_THAT(names, HasSubstr("auto native torch"));
  const auto [engine, on_gpu] = refusal("lstm", {.device = kGpu, .engine = "native", .team = team});
  EXPECT_EQ(engine, "engine");
  EXPECT_THAT(on_gpu, HasSubstr("not on GPUs"));
  const auto [gpus, of_kernels] =
      refusal("lstm", {.device = kCpu, .engine = "persistent", .precision = Precision::kBf16, .team = team});
  EXPECT_EQ(gpus, "engine");
  EXPECT_THAT(of_kernels, HasSubstr("on GPUs only"));
  const auto [precision, in_bf16] =
      refusal("lstm", {.device = kCpu, .engine = "torch", .precision = Precision::kBf16, .team = team});
  EXPECT_EQ(precision, "precision");
  EXPECT_THAT(in_bf16, HasSubstr("bf16 on GPUs only"));
  const auto [nobody, all] = refusal("gru_cell", {.device = kCpu, .precision = Precision::kBf16, .team = team});
  EXPECT_EQ(nobody, "precision");
  EXPECT_THAT(all, testing::AllOf(HasSubstr("native: it has no layer"), HasSubstr("torch: it computes in bf16")));
}

TEST(Engines, SayWhetherThreadsDecideBits) {
  EXPECT_FALSE(threads_decide_bits(model_of("lstm"), "auto"));
  EXPECT_FALSE(threads_decide_bits(model_of("lstm"), "native"));
  EXPECT_TRUE(threads_decide_bits(model_of("lstm"), "torch"));
  EXPECT_TRUE(threads_decide_bits(model_of("lstm_cell"), "auto"));
}

TEST(Engines, GiveThreadsToWhatComputes) {
  ThreadTeam team;
  const Compute compute{.device = kCpu, .team = team};
  find_engine(model_of("lstm"), compute).set_threads(3, false, compute);
  EXPECT_EQ(team.size(), 3);
  find_engine(model_of("lstm_cell"), compute).set_threads(2, false, compute);
  EXPECT_EQ(team.size(), 1);
}

}  // namespace
}  // namespace charrnn
