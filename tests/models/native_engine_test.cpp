// The native engine against LibTorch's autograd, and against itself on other numbers of threads and columns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>

#include "base/summation_tree.hpp"
#include "models/registry.hpp"

namespace charrnn {
namespace {

struct Case {
  ModelConfig model;
  std::int64_t vocabulary = 40, length = 5, columns = 4;
  bool predicts_every = true;
};

std::vector<float> draw_parameters(const ParameterLayout& layout) {
  std::vector<float> flat(static_cast<std::size_t>(layout.size()));
  initialise(layout, 3, flat);
  return flat;
}

struct Tokens {
  std::vector<std::int64_t> inputs, targets;
};

Tokens draw_tokens(const Case& c, unsigned seed) {
  std::mt19937 random(seed);
  const auto draw = [&](std::int64_t count) {
    std::vector<std::int64_t> tokens(static_cast<std::size_t>(count));
    for (std::int64_t& token : tokens) token = static_cast<std::int64_t>(random()) % c.vocabulary;
    return tokens;
  };
  return {draw(c.length * c.columns), draw(c.predicts_every ? c.length * c.columns : c.columns)};
}

/// Trains on one window; the model's gradient() is that of its loss, which is returned.
double train_on(LanguageModel& model, const Window& window, HiddenState& state, const std::optional<DropoutKey>& key,
                GradientListener* listener = nullptr) {
  const TrainMicroBatch micro_batch{window, &state};
  const GradientSum sum{1, model.gradient()};
  double loss = 0;
  model.train({&micro_batch, 1}, {.dropout = key, .sums = {&sum, 1}, .losses = {&loss, 1}, .listener = listener});
  return loss;
}

/// All that two windows of training give, the second one with the state that the first one left.
struct Outcome {
  std::vector<double> losses;
  std::vector<float> gradient;  ///< of both together
  std::vector<std::vector<float>> states;
};

Outcome train(const Case& c, const std::string& engine, int threads, Precision precision = Precision::kFp32) {
  ThreadTeam team(threads);
  const auto model = make_model(c.model, c.vocabulary, {{}, engine, precision, team});
  model->load_parameters(draw_parameters(model->layout()));
  const auto state = model->make_state(c.columns);
  Outcome outcome;
  outcome.gradient.resize(model->gradient().size());
  for (int step = 0; step < 2; ++step) {
    const Tokens tokens = draw_tokens(c, static_cast<unsigned>(step));
    outcome.losses.push_back(train_on(*model, {tokens.inputs, tokens.targets, c.length, c.columns}, *state,
                                      DropoutKey{.seed = 5, .step = step, .first_column = 2}));
    std::ranges::transform(outcome.gradient, model->gradient(), outcome.gradient.begin(), std::plus());
  }
  // Without dropout, after a change of the parameters.
  const Tokens tokens = draw_tokens(c, 2);
  const Window window{tokens.inputs, tokens.targets, c.length, c.columns};
  for (float& parameter : model->writable_parameters()) parameter *= 0.9F;
  outcome.losses.push_back(model->evaluate(window, *state));
  std::vector<float> of_targets(tokens.targets.size());
  model->log_probabilities(window, *state, of_targets);
  outcome.losses.insert(outcome.losses.end(), of_targets.begin(), of_targets.end());
  std::vector<float> logits(static_cast<std::size_t>(c.columns * c.vocabulary));
  model->predict(tokens.inputs, c.length, *state, logits);
  outcome.losses.insert(outcome.losses.end(), logits.begin(), logits.end());
  for (std::size_t i = 0; i < state->specs().size(); ++i) {
    state->store(i, outcome.states.emplace_back(state->size(i)));
  }
  return outcome;
}

void expect_near(const std::vector<float>& actual, const std::vector<float>& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size());
  float largest = 0;
  for (const float value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(actual[i], expected[i], tolerance * largest) << what << " " << i;
  }
}

/// Of the largest element: float32 rounding of both engines, or factors rounded to two bfloat16 numbers.
double tolerance_of(Precision precision) {
  return precision == Precision::kTf32 ? 3e-5 : 2e-6;
}

void expect_engines_agree(const Case& c, Precision precision = Precision::kFp32) {
  SCOPED_TRACE(testing::Message() << c.model.model << " " << c.model.layers << " x " << c.model.hidden << ", embedding "
                                  << c.model.embedding << ", vocabulary " << c.vocabulary << ", " << c.columns
                                  << " columns x " << c.length);
  const double tolerance = tolerance_of(precision);
  const Outcome native = train(c, "native", 2, precision), torch = train(c, "torch", 1);
  ASSERT_EQ(native.losses.size(), torch.losses.size());
  for (std::size_t i = 0; i < torch.losses.size(); ++i) {
    ASSERT_NEAR(native.losses[i], torch.losses[i], tolerance * std::max(1.0, std::abs(torch.losses[i]))) << i;
  }
  const ParameterLayout layout = parameter_layout(c.model, c.vocabulary);
  for (const Parameter& parameter : layout.parameters()) {
    const auto part = [&](const std::vector<float>& flat) {
      const auto first = flat.begin() + parameter.offset;
      return std::vector<float>(first, first + parameter.size);
    };
    expect_near(part(native.gradient), part(torch.gradient), tolerance, parameter.name);
  }
  ASSERT_EQ(native.states.size(), torch.states.size());
  for (std::size_t i = 0; i < native.states.size(); ++i) {
    expect_near(native.states[i], torch.states[i], tolerance, "state");
  }
}

TEST(NativeEngine, AgreesWithAutograd) {
  std::mt19937 random(11);
  const auto draw = [&](std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(random()) % (most - least + 1);
  };
  for (const char* cell : {"rnn", "gru", "lstm", "norm_lstm"}) {
    for (int round = 0; round < 8; ++round) {
      Case c;
      c.model.model = cell;
      c.model.layers = draw(1, 3);
      c.model.hidden = draw(5, 100);
      c.model.embedding = draw(1, 50);
      if (round % 3 != 0) {
        c.model.dropout = 0.5;
        c.model.dropout_input = round % 2 * 0.3;
        c.model.dropout_output = 0.2;
        c.model.locked_dropout = round % 4 == 1;
        c.model.weight_dropout = round % 5 == 1 ? 0.4 : 0;
      }
      c.vocabulary = draw(2, 300);
      c.length = draw(1, 12);
      c.columns = draw(1, 20);
      c.predicts_every = round % 4 != 3;
      expect_engines_agree(c);
      expect_engines_agree(c, Precision::kTf32);
    }
  }
}

TEST(NativeEngine, AgreesWhereSumsAreCutIntoPieces) {
  Case c;
  c.model.model = "lstm";
  c.model.hidden = 40;
  c.model.dropout_input = 0.1;
  c.length = 90;
  c.columns = 13;
  expect_engines_agree(c);
  expect_engines_agree(c, Precision::kTf32);
}

TEST(NativeEngine, AgreesInLargeLayers) {
  Case c;
  c.model = {.model = "lstm", .layers = 2, .hidden = 520, .dropout = 0.5};
  expect_engines_agree(c);
  expect_engines_agree(c, Precision::kTf32);
}

TEST(NativeEngine, AgreesWithoutPadding) {
  for (const char* cell : {"rnn", "gru", "lstm", "norm_lstm"}) {
    for (const double weight_dropout : {0.0, 0.3}) {
      Case c;
      c.model = {.model = cell, .layers = 2, .hidden = 64, .embedding = 32, .dropout_input = 0.1};
      c.model.weight_dropout = weight_dropout;
      c.columns = 40;
      c.length = 14;
      expect_engines_agree(c);
      expect_engines_agree(c, Precision::kTf32);
    }
  }
}

TEST(NativeEngine, SameBitsOnAnyNumberOfThreads) {
  // Weights that a core's cache holds, where threads share columns only, and larger ones.
  for (const auto& [cell, hidden] : {std::pair{"rnn", 70},
                                     {"gru", 70},
                                     {"lstm", 70},
                                     {"rnn", 530},
                                     {"gru", 310},
                                     {"lstm", 270},
                                     {"norm_lstm", 70},
                                     {"norm_lstm", 270}}) {
    SCOPED_TRACE(testing::Message() << cell << " " << hidden);
    Case c;
    c.model = {.model = cell, .layers = 2, .hidden = hidden, .dropout = 0.4, .weight_dropout = 0.2};
    c.columns = 11;
    c.length = hidden < 100 ? 9 : 4;
    for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16}) {
      const Outcome one = train(c, "native", 1, precision);
      for (const int threads : {2, 3, 4, 16}) {
        const Outcome many = train(c, "native", threads, precision);
        EXPECT_EQ(many.losses, one.losses);
        EXPECT_EQ(many.gradient, one.gradient);
        EXPECT_EQ(many.states, one.states);
      }
    }
  }
}

TEST(NativeEngine, Bf16IsCloseToFp32) {
  for (const char* cell : {"rnn", "gru", "lstm", "norm_lstm"}) {
    Case c;
    c.model = {.model = cell, .layers = 2, .hidden = 64, .dropout = 0.4};
    c.columns = 16;
    c.length = 8;
    const Outcome exact = train(c, "native", 1), rounded = train(c, "native", 2, Precision::kBf16);
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < exact.gradient.size(); ++i) {
      difference += std::pow(static_cast<double>(rounded.gradient[i]) - exact.gradient[i], 2);
      size += std::pow(static_cast<double>(exact.gradient[i]), 2);
    }
    // Eight bits: every factor is off by up to 2^-9, at random.
    EXPECT_LT(std::sqrt(difference / size), 0x1p-7) << cell;
    EXPECT_GT(std::sqrt(difference / size), 0x1p-12) << cell << ": nothing was rounded";
    EXPECT_NEAR(rounded.losses[0], exact.losses[0], 1e-3 * exact.losses[0]);
  }
}

TEST(NativeEngine, AColumnsNumbersDoNotDependOnItsNeighbours) {
  for (const char* cell : {"rnn", "gru", "lstm", "norm_lstm"}) {
    Case c;
    c.model = {.model = cell, .layers = 2, .hidden = 48};
    c.columns = 100;
    const Tokens tokens = draw_tokens(c, 1);
    ThreadTeam team;
    const auto model = make_model(c.model, c.vocabulary, {.device = {}, .engine = "native", .team = team});
    model->load_parameters(draw_parameters(model->layout()));
    std::vector<float> all(tokens.targets.size());
    model->log_probabilities({tokens.inputs, tokens.targets, c.length, c.columns}, *model->make_state(c.columns), all);
    for (std::int64_t column = 0; column < c.columns; column += 33) {
      Tokens alone;
      std::vector<float> expected;
      for (std::int64_t t = 0; t < c.length; ++t) {
        const auto at = static_cast<std::size_t>(t * c.columns + column);
        alone.inputs.push_back(tokens.inputs[at]);
        alone.targets.push_back(tokens.targets[at]);
        expected.push_back(all[at]);
      }
      std::vector<float> found(expected.size());
      model->log_probabilities({alone.inputs, alone.targets, c.length, 1}, *model->make_state(1), found);
      EXPECT_EQ(found, expected) << cell << ", column " << column;
    }
  }
}

TEST(NativeEngine, ChangedParametersAreSeenAtOnce) {
  for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16, Precision::kInt8}) {
    Case c;
    c.model = {.model = "gru", .layers = 2, .hidden = 48};
    const Tokens tokens = draw_tokens(c, 1);
    const Window window{tokens.inputs, tokens.targets, c.length, c.columns};
    ThreadTeam team;
    const auto model = make_model(c.model, c.vocabulary, {{}, "native", precision, team});
    const auto loss_of = [&](LanguageModel& some) { return some.evaluate(window, *some.make_state(c.columns)); };
    const double of_zeros = loss_of(*model);
    model->load_parameters(draw_parameters(model->layout()));
    const double loss = loss_of(*model);
    EXPECT_NE(loss, of_zeros);
    EXPECT_EQ(loss_of(*model), loss);
    const auto fresh = make_model(c.model, c.vocabulary, {{}, "native", precision, team});
    fresh->load_parameters(draw_parameters(fresh->layout()));
    EXPECT_EQ(loss_of(*fresh), loss);
  }
}

/// What training gives for the micro_batches [first, last) of a batch.
struct MicroBatchesOutcome {
  std::vector<double> losses;
  std::vector<std::vector<float>> gradients;  ///< of each sum
  std::vector<std::vector<float>> h;          ///< of each micro_batch

  bool operator==(const MicroBatchesOutcome&) const = default;
};

/// Keeps what each part of the sums was when it was said to be complete.
class PartKeeper final : public GradientListener {
 public:
  PartKeeper(const LanguageModel& model, std::vector<GradientSum> sums)
      : parts_(model.gradient_parts()), sums_(std::move(sums)) {
    for (const GradientSum& sum : sums_) kept_.emplace_back(sum.gradient.size(), -1);
  }

  void part_is_complete() override {
    const Range& part = parts_.at(completed_++);
    for (std::size_t i = 0; i < sums_.size(); ++i) {
      std::copy_n(sums_[i].gradient.begin() + part.first, part.count, kept_[i].begin() + part.first);
    }
  }
  void poll() override { ++(completed_ == 0 ? polls_before_ : polls_between_); }

  std::size_t completed() const { return completed_; }
  const std::vector<std::vector<float>>& kept() const { return kept_; }
  int polls_before() const { return polls_before_; }
  int polls_between() const { return polls_between_; }

 private:
  std::vector<Range> parts_;
  std::vector<GradientSum> sums_;
  std::vector<std::vector<float>> kept_;
  std::size_t completed_ = 0;
  int polls_before_ = 0, polls_between_ = 0;
};

/// NaN is like NaN.
bool have_same_bits(const std::vector<std::vector<float>>& ones, const std::vector<std::vector<float>>& others) {
  return std::ranges::equal(ones, others, [](const std::vector<float>& one, const std::vector<float>& other) {
    return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size() * sizeof(float)) == 0;
  });
}

/// MicroBatches of columns that are trained together.
class MicroBatches {
 public:
  MicroBatches(Case c, std::vector<std::int64_t> columns) : case_(std::move(c)), columns_(std::move(columns)) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      Case one = case_;
      one.columns = columns_[i];
      tokens_.push_back(draw_tokens(one, static_cast<unsigned>(i)));
    }
  }

  /// The micro_batches [first, first + Σ sums), so many of them a sum; two windows, of which the second one counts.
  MicroBatchesOutcome train(const std::string& engine, Precision precision, int threads, std::int64_t first,
                            const std::vector<std::int64_t>& sums) const {
    ThreadTeam team(threads);
    const auto model = make_model(case_.model, case_.vocabulary, {{}, engine, precision, team});
    model->load_parameters(draw_parameters(model->layout()));
    MicroBatchesOutcome outcome;
    std::vector<GradientSum> to;
    std::int64_t count = 0, columns = 0;
    for (const std::int64_t micro_batches : sums) {  // what is in a buffer does not count
      outcome.gradients.emplace_back(model->gradient().size(), std::numeric_limits<float>::quiet_NaN());
      count += micro_batches;
    }
    for (std::size_t i = 0; i < sums.size(); ++i) to.push_back({sums[i], outcome.gradients[i]});
    std::vector<std::unique_ptr<HiddenState>> states;
    std::vector<TrainMicroBatch> micro_batches;
    for (std::int64_t i = first; i < first + count; ++i) {
      const auto g = static_cast<std::size_t>(i);
      states.push_back(model->make_state(columns_[g]));
      micro_batches.push_back(
          {{tokens_[g].inputs, tokens_[g].targets, case_.length, columns_[g]}, states.back().get()});
      columns += columns_[g];
    }
    outcome.losses.resize(micro_batches.size());
    for (int step = 0; step < 2; ++step) {
      const auto before = columns_.begin() + first;
      const DropoutKey key{.seed = 5, .step = step, .first_column = std::accumulate(columns_.begin(), before, 0L)};
      PartKeeper keeper(*model, to);
      model->train(micro_batches, {.dropout = key, .sums = to, .losses = outcome.losses, .listener = &keeper});
      // The native engine reports its parts; a window without columns has none.
      EXPECT_EQ(have_same_bits(keeper.kept(), outcome.gradients), engine == "native" && columns > 0);
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {  // between parameters nobody writes
      std::vector<float> dense;
      for (const Parameter& parameter : model->layout().parameters()) {
        const auto begin = outcome.gradients[i].begin() + parameter.offset;
        dense.insert(dense.end(), begin, begin + parameter.size);
      }
      outcome.gradients[i] = dense;
    }
    for (const auto& state : states) {
      state->store(0, outcome.h.emplace_back(state->size(0)));
    }
    return outcome;
  }

  std::int64_t count() const { return std::ssize(columns_); }

 private:
  Case case_;
  std::vector<std::int64_t> columns_;
  std::vector<Tokens> tokens_;
};

/// The gradients of micro_batches [first, last), each computed alone, added up along the tree.
std::vector<float> tree_of(const std::vector<MicroBatchesOutcome>& alone, std::int64_t first, std::int64_t last) {
  if (last - first == 1) return alone[static_cast<std::size_t>(first)].gradients.front();
  const std::int64_t middle = split(first, last);
  std::vector<float> left = tree_of(alone, first, middle);
  std::ranges::transform(left, tree_of(alone, middle, last), left.begin(), std::plus());
  return left;
}

void expect_micro_batches_do_not_matter(const Case& c, const std::string& engine, Precision precision) {
  SCOPED_TRACE(testing::Message() << c.model.model << " " << c.model.hidden << ", " << engine << ", precision "
                                  << static_cast<int>(precision));
  const MicroBatches micro_batches(c, {4, 2, 0, 3, 6, 1, 8});
  std::vector<MicroBatchesOutcome> alone;
  for (std::int64_t i = 0; i < micro_batches.count(); ++i) {
    alone.push_back(micro_batches.train(engine, precision, 1, i, {1}));
  }
  for (const int threads : {1, 3}) {
    for (const auto& [first, sums] : {std::pair<std::int64_t, std::vector<std::int64_t>>{0, {7}},
                                      {0, {1, 2, 4}},
                                      {3, {4}},
                                      {1, {1, 1, 2}},
                                      {4, {2}}}) {
      const MicroBatchesOutcome together = micro_batches.train(engine, precision, threads, first, sums);
      std::int64_t micro_batch = first;
      for (std::size_t i = 0; i < sums.size(); ++i) {
        EXPECT_EQ(together.gradients[i], tree_of(alone, micro_batch, micro_batch + sums[i])) << first << ", sum " << i;
        for (const std::int64_t end = micro_batch + sums[i]; micro_batch < end; ++micro_batch) {
          const auto at = static_cast<std::size_t>(micro_batch - first), g = static_cast<std::size_t>(micro_batch);
          EXPECT_EQ(together.losses[at], alone[g].losses.front()) << first << ", micro_batch " << micro_batch;
          EXPECT_EQ(together.h[at], alone[g].h.front()) << first << ", micro_batch " << micro_batch;
        }
      }
    }
  }
}

TEST(NativeEngine, GroupsTrainedTogetherAreThoseTrainedAlone) {
  for (const char* cell : {"rnn", "gru", "lstm", "norm_lstm"}) {
    for (const bool is_masked : {false, true}) {
      Case c;
      c.model = {.model = cell, .layers = 2, .hidden = is_masked ? 40 : 64};
      c.model.embedding = is_masked ? 17 : 32;
      c.model.dropout = c.model.dropout_input = c.model.weight_dropout = is_masked ? 0.3 : 0;
      c.vocabulary = 150;
      c.predicts_every = cell != std::string("rnn");
      for (const Precision precision : {Precision::kFp32, Precision::kTf32, Precision::kBf16}) {
        expect_micro_batches_do_not_matter(c, "native", precision);
      }
      if (!is_masked) expect_micro_batches_do_not_matter(c, "torch", Precision::kFp32);
    }
  }
}

TEST(NativeEngine, GroupsOfLongWindowsAndLargeLayers) {
  Case c;
  c.model = {.model = "lstm", .hidden = 33, .dropout_output = 0.2};
  c.length = 150;  // more rows than are summed up at once
  expect_micro_batches_do_not_matter(c, "native", Precision::kFp32);
  expect_micro_batches_do_not_matter(c, "native", Precision::kTf32);
  c.model.hidden = 520;  // factors that are packed
  c.length = 3;
  expect_micro_batches_do_not_matter(c, "native", Precision::kFp32);
  expect_micro_batches_do_not_matter(c, "native", Precision::kTf32);
}

TEST(NativeEngine, ReportsEveryPartOfTheGradientOnceItIsComplete) {
  for (const int layers : {1, 2, 3}) {
    for (const int threads : {1, 3}) {
      Case c;
      c.model = {.model = "gru", .layers = layers, .hidden = 70, .dropout = 0.4};
      c.length = 9;
      const Tokens tokens = draw_tokens(c, 1);
      ThreadTeam team(threads);
      const auto model = make_model(c.model, c.vocabulary, {.device = {}, .engine = "native", .team = team});
      model->load_parameters(draw_parameters(model->layout()));
      PartKeeper keeper(*model, {{1, model->gradient()}});
      train_on(*model, {tokens.inputs, tokens.targets, c.length, c.columns}, *model->make_state(c.columns),
               DropoutKey{.seed = 1}, &keeper);
      const std::vector<Range> parts = model->gradient_parts();
      EXPECT_EQ(std::ssize(parts), layers);
      EXPECT_EQ(keeper.completed(), parts.size());
      EXPECT_THAT(keeper.kept().front(), testing::ElementsAreArray(model->gradient()));
      EXPECT_GE(keeper.polls_before(), c.length);
      if (threads == 1) {  // else another thread may be late with its last block
        EXPECT_GE(keeper.polls_between(), (layers - 1) * c.length);
      }
    }
  }
}

}  // namespace
}  // namespace charrnn
