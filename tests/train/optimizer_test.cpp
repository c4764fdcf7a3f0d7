// Updates against the formulas of the papers, in double precision.
#include "train/optimizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "config/option_table.hpp"
#include "models/registry.hpp"
#include "temporary_folder.hpp"
#include "train/gradient_norm.hpp"

namespace charrnn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A parameter's value after some steps, worked out apart.
struct Scalar {
  double p, m = 0, v = 0;
};

class OptimizerTest : public testing::TestWithParam<int> {
 protected:
  static constexpr std::int64_t kVocabulary = 7;
  static constexpr double kScale = 0.25;

  OptimizerTest() : team_(GetParam()) {
    model_ = make_model({.model = "rnn", .layers = 1, .hidden = 5, .embedding = 3}, kVocabulary,
                        {.device = {}, .engine = "native", .team = team_});
    std::vector<float> fresh(static_cast<std::size_t>(model_->layout().size()));
    initialise(model_->layout(), 3, fresh);
    model_->load_parameters(fresh);
  }

  /// Three steps with made-up gradients, held against `expected`, which moves a scalar on: by the team, and queued.
  void check(const OptimizerConfig& config,
             const std::function<void(Scalar&, double g, double rate, double decay, int n)>& expected) {
    const std::vector<float> fresh = model_->store_parameters();
    for (const bool is_queued : {false, true}) {
      SCOPED_TRACE(is_queued ? "queued" : "by the team");
      model_->load_parameters(fresh);
      check(*make_optimizer(config, *model_, team_), is_queued, expected);
    }
  }

  void check(Optimizer& optimizer, bool is_queued,
             const std::function<void(Scalar&, double g, double rate, double decay, int n)>& expected) {
    std::vector<Scalar> scalars;
    for (const float value : model_->parameters()) scalars.push_back({value});
    for (int n = 1; n <= 3; ++n) {
      const std::vector<double> gradient = set_gradient(n);
      if (is_queued) {
        queue_step(optimizer, 0.5, 1 / kScale, false);
      } else {
        optimizer.step(0.5, kScale);
      }
      for (const ParameterGroup& group : optimizer.groups()) {
        for (const Parameter& parameter : model_->layout().parameters()) {
          if (std::ranges::find(group.names, parameter.name) == group.names.end()) continue;
          for (std::int64_t i = parameter.offset; i < parameter.offset + parameter.size; ++i) {
            const auto at = static_cast<std::size_t>(i);
            expected(scalars[at], gradient[at] * kScale, group.learning_rate * 0.5, group.weight_decay, n);
            ASSERT_NEAR(model_->parameters()[at], scalars[at].p, 2e-6) << parameter.name << " step " << n;
          }
        }
      }
    }
    EXPECT_EQ(optimizer.steps(), 3);
  }

  /// Made up, another one for every n.
  std::vector<double> set_gradient(int n) {
    std::vector<double> gradient;
    for (float& g : model_->gradient()) {
      gradient.push_back(std::sin(static_cast<double>(gradient.size()) + n));
      g = static_cast<float>(gradient.back());
    }
    return gradient;
  }

  static void queue_step(Optimizer& optimizer, double factor, double divisor, bool leaves_out) {
    std::vector<float> rates;
    for (const ParameterGroup& group : optimizer.groups()) {
      rates.push_back(static_cast<float>(group.learning_rate * factor));
    }
    const auto divided_by = static_cast<float>(divisor);
    const float leaves = leaves_out ? 1 : 0, counts = leaves_out ? 0 : 1;
    optimizer.queue_step({rates.data(), &divided_by, &leaves, &counts});
    if (!leaves_out) optimizer.count_queued_step();
  }

  ThreadTeam team_;
  std::unique_ptr<LanguageModel> model_;
};

void adam(Scalar& x, double g, double rate, double beta1, double beta2, double epsilon, int n) {
  x.m = beta1 * x.m + (1 - beta1) * g;
  x.v = beta2 * x.v + (1 - beta2) * g * g;
  x.p -= rate * (x.m / (1 - std::pow(beta1, n))) / (std::sqrt(x.v / (1 - std::pow(beta2, n))) + epsilon);
}

TEST_P(OptimizerTest, Adam) {
  check({.optimizer = "adam", .learning_rate = 0.02, .weight_decay = 0.1, .betas = {0.8, 0.95}, .epsilon = 1e-4},
        [](Scalar& x, double g, double rate, double decay, int n) {
          adam(x, g + decay * x.p, rate, 0.8, 0.95, 1e-4, n);
        });
}

TEST_P(OptimizerTest, AdamW) {
  check({.optimizer = "adamw", .learning_rate = 0.02, .weight_decay = 0.1},
        [](Scalar& x, double g, double rate, double decay, int n) {
          x.p *= 1 - rate * decay;
          adam(x, g, rate, 0.9, 0.999, 1e-8, n);
        });
}

TEST_P(OptimizerTest, SgdWithMomentum) {
  check({.optimizer = "sgd", .learning_rate = 0.3, .weight_decay = 0.01, .momentum = 0.7},
        [](Scalar& x, double g, double rate, double decay, int) {
          x.m = 0.7 * x.m + g + decay * x.p;
          x.p -= rate * x.m;
        });
}

TEST_P(OptimizerTest, GroupsHaveTheirOwnRates) {
  check({.optimizer = "sgd", .learning_rate = 0.3, .momentum = 0, .groups = {"e.*=0.1:0.5", "*bias*=1"}},
        [](Scalar& x, double g, double rate, double decay, int) { x.p -= rate * (g + decay * x.p); });
}

TEST_P(OptimizerTest, StateIsNamedAndCanBeMoved) {
  const OptimizerConfig config{.optimizer = "adam"};
  const auto one = make_optimizer(config, *model_, team_);
  EXPECT_THAT(one->buffers(), ElementsAre("exp_avg", "exp_avg_sq"));
  EXPECT_THAT(make_optimizer({.optimizer = "sgd"}, *model_, team_)->buffers(), ElementsAre("momentum_buffer"));
  const auto move_on = [&](Optimizer& optimizer) {
    std::ranges::fill(model_->gradient(), 0.5F);
    optimizer.step(1, 1);
  };
  move_on(*one);
  const std::vector<float> before = model_->store_parameters();
  const auto other = make_optimizer(config, *model_, team_);
  for (std::size_t i = 0; i < 2; ++i) other->load(i, one->store(i));
  other->set_steps(one->steps());
  move_on(*one);
  const std::vector<float> expected = model_->store_parameters();
  model_->load_parameters(before);
  move_on(*other);
  EXPECT_EQ(model_->store_parameters(), expected);
}

TEST_P(OptimizerTest, AQueuedStepThatIsLeftOutChangesNothing) {
  for (const char* name : {"adam", "adamw", "sgd"}) {
    const OptimizerConfig config{.optimizer = name, .weight_decay = 0.1};
    const std::vector<float> fresh = model_->store_parameters();
    const auto run = [&](bool with_bad_one) {
      model_->load_parameters(fresh);
      const auto optimizer = make_optimizer(config, *model_, team_);
      for (int n = 1; n <= 2; ++n) {
        set_gradient(n);
        queue_step(*optimizer, 1, 4, false);
        if (!with_bad_one) continue;
        std::ranges::fill(model_->gradient(), NAN);
        queue_step(*optimizer, 1, 4, true);
      }
      EXPECT_EQ(optimizer->steps(), 2);
      return model_->store_parameters();
    };
    EXPECT_EQ(run(true), run(false)) << name;
    model_->load_parameters(fresh);
  }
}

TEST_P(OptimizerTest, EveryChoiceOfTheOptionCanBeMade) {
  for (const std::string& name : split(find_option(option_table(), "optimizer")->rule.choices, '|')) {
    EXPECT_NE(make_optimizer({.optimizer = name}, *model_, team_), nullptr) << name;
  }
}

TEST_P(OptimizerTest, TheNormDoesNotDependOnThreads) {
  std::ranges::fill(model_->gradient(), 0.0F);
  model_->gradient()[0] = 3;
  model_->gradient()[1] = -4;
  EXPECT_EQ(gradient_norm(*model_, team_), 5);
}

INSTANTIATE_TEST_SUITE_P(Threads, OptimizerTest, testing::Values(1, 3));

TEST(ParameterGroups, AnUnreadableOneIsNamed) {
  ParameterLayout layout;
  layout.add({.name = "e.weight", .shape = {2, 2}});
  for (const char* wrong : {"e.*", "=1", "e.*=x", "e.*=1:2:3", "nothing=1"}) {
    EXPECT_THAT(error_of<ConfigError>([&] { parameter_groups({.groups = {wrong}}, layout); }), HasSubstr("`groups`"))
        << wrong;
  }
}

}  // namespace
}  // namespace charrnn
