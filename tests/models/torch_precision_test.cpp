// LibTorch's engine in bf16: the same numbers but for the rounding, in training, evaluation and prediction. On a GPU, and
// with PyTorch's autocast for CPUs, which the table of engines does not offer but which hands on the same tensors.
#include <ATen/Context.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <tuple>

#include "models/engine.hpp"
#include "models/flat_tensor.hpp"

namespace charrnn {
namespace {

constexpr std::int64_t kSymbols = 40, kLength = 12, kColumns = 8;

std::vector<std::int64_t> draw_tokens(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int64_t> tokens(kLength * kColumns);
  for (std::int64_t& token : tokens) token = static_cast<std::int64_t>(random()) % kSymbols;
  return tokens;
}

struct Outcome {
  double loss = 0, evaluated = 0, of_targets = 0;
  std::vector<float> gradient, logits, state;
};

Outcome run(const ModelConfig& config, Precision precision, Device device) {
  ThreadTeam team;
  const auto torch = std::ranges::find(engines(), "torch", &Engine::name);
  const auto model = torch->make(config, kSymbols, {device, "torch", precision, team});
  std::vector<float> parameters(static_cast<std::size_t>(model->layout().size()));
  initialise(model->layout(), 3, parameters);
  model->load_parameters(parameters);
  const auto inputs = draw_tokens(1), targets = draw_tokens(2);
  const Window window{inputs, targets, kLength, kColumns};
  const auto state = model->make_state(kColumns);
  const TrainMicroBatch micro_batch{window, state.get()};
  const GradientSum sum{1, model->gradient()};
  Outcome outcome;
  for (int step = 0; step < 3; ++step) {  // a GPU runs the first, records the second and replays the third
    model->train({&micro_batch, 1},
                 {.dropout = DropoutKey{.seed = 5, .step = step}, .sums = {&sum, 1}, .losses = {&outcome.loss, 1}});
  }
  outcome.gradient = to_host(wrap(model->gradient(), device));
  outcome.evaluated = model->evaluate(window, *state);
  std::vector<float> of_targets(targets.size());
  model->log_probabilities(window, *state, of_targets);
  outcome.of_targets = -std::accumulate(of_targets.begin(), of_targets.end(), 0.0);
  outcome.logits.resize(kColumns * kSymbols);
  model->predict(inputs, kLength, *state, outcome.logits);
  outcome.state.resize(state->size(0));
  state->store(0, outcome.state);
  return outcome;
}

/// Whether the numbers would be the same in bfloat16.
bool are_bf16(const std::vector<float>& numbers) {
  return std::ranges::all_of(numbers, [](float number) { return static_cast<float>(at::BFloat16(number)) == number; });
}

/// The largest difference, of the largest number.
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return difference / largest;
}

class TorchInBf16 : public ::testing::TestWithParam<std::tuple<const char*, bool>> {};

TEST_P(TorchInBf16, RoundsAndNothingElse) {
  const auto [cell, is_on_gpu] = GetParam();
  if (is_on_gpu && !at::hasCUDA()) GTEST_SKIP() << "no GPU here";
  const Device device{.cuda = is_on_gpu};
  ModelConfig config;
  config.model = cell;
  config.layers = 2;
  config.hidden = 64;
  config.embedding = 24;
  config.dropout = 0.3;
  config.dropout_input = 0.1;
  config.dropout_output = 0.2;
  config.weight_dropout = 0.2;
  const Outcome exact = run(config, Precision::kFp32, device), rounded = run(config, Precision::kBf16, device);
  EXPECT_FALSE(are_bf16(exact.logits));
  EXPECT_TRUE(are_bf16(rounded.logits));  // the output layer rounds, too
  EXPECT_NE(rounded.loss, exact.loss);
  for (const auto loss : {&Outcome::loss, &Outcome::evaluated, &Outcome::of_targets}) {
    EXPECT_NEAR(rounded.*loss, exact.*loss, 1e-3 * exact.*loss);
  }
  // 8 bits: rounding takes up to 0.4 % of a number.
  EXPECT_LT(distance(rounded.gradient, exact.gradient), 1e-2);
  EXPECT_LT(distance(rounded.logits, exact.logits), 1e-2);
  EXPECT_LT(distance(rounded.state, exact.state), 1e-2);
}

INSTANTIATE_TEST_SUITE_P(Cpu, TorchInBf16,
                         ::testing::Combine(::testing::Values("rnn", "gru", "norm_lstm"), ::testing::Values(false)),
                         [](const auto& one) { return std::get<0>(one.param); });
INSTANTIATE_TEST_SUITE_P(Gpu, TorchInBf16,
                         ::testing::Combine(::testing::Values("rnn", "gru", "lstm", "norm_lstm"),
                                            ::testing::Values(true)),
                         [](const auto& one) { return std::get<0>(one.param); });

}  // namespace
}  // namespace charrnn
