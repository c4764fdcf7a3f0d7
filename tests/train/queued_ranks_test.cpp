// Steps through the queue of a device, on several ranks: as one rank alone.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"
#include "dist/self_communicator.hpp"
#include "train/slow_queue.hpp"
#include "train/step_device.hpp"
#include "train/training.hpp"

namespace charrnn {
namespace {

struct Curve : TrainObserver {
  void on_step(const StepReport& report) override {
    losses.push_back(report.loss);
    norms.push_back(report.gradient_norm);
    if (report.noise_scale) noise.push_back(*report.noise_scale);
  }
  std::vector<double> losses, norms, noise;
};

struct Trained {
  std::vector<float> parameters;
  std::vector<double> losses, norms, noise;
};

enum class Way : std::uint8_t { kQueued, kQueuedWithNoise, kWithNoise };

Trained train(ControlCommunicator& control, bool is_reproducible, Way way = Way::kQueued) {
  RunConfig config;
  config.data = {.corpus = {"text"}, .columns = 6, .bptt = 10, .bptt_jitter = false, .min_freq = 1};
  config.model = {.model = "lstm", .layers = 2, .hidden = 8, .embedding = 5, .dropout = 0.2};
  config.optimizer.clip_norm = 0.1;
  config.optimizer.epochs = 2;
  config.run.reproducible = is_reproducible;
  config.run.micro_batches = 3;
  config.run.engine = "torch";
  config.run.device = "cpu";
  config.run.threads = 1;
  config.run.log_every = 1;
  config.run.noise_scale = way != Way::kQueued;
  std::string text;
  for (unsigned i = 0; i < 900; ++i) text += static_cast<char>('a' + i * i % 23 % 7);
  Activity reading;
  Training training(config, MemoryText(text), control, reading);
  int most_open = 0;
  if (way != Way::kWithNoise) training.queue_steps(test::make_slow_queue(most_open));
  Curve curve;
  training.run(std::vector<TrainObserver*>{&curve}, nullptr);
  EXPECT_EQ(most_open, way == Way::kQueued ? 2 : way == Way::kQueuedWithNoise ? 1 : 0);
  return {training.model().store_parameters(), curve.losses, curve.norms, curve.noise};
}

TEST(QueuedRanks, AreBitEqualToOneInReproducibleMode) {
  MpiCommunicator control(test::mpi(), Seconds(60));
  SelfCommunicator alone;
  const Trained together = train(control, true), by_itself = train(alone, true);
  EXPECT_EQ(together.parameters, by_itself.parameters);
  EXPECT_EQ(together.losses, by_itself.losses);
  EXPECT_EQ(together.norms, by_itself.norms);
  ASSERT_EQ(together.losses.size(), 24U);
  EXPECT_GT(together.norms.front(), 0.1) << "else nothing was clipped";
}

TEST(QueuedRanks, LearnTheSameInDefaultMode) {
  MpiCommunicator control(test::mpi(), Seconds(60));
  SelfCommunicator alone;
  const Trained together = train(control, false), by_itself = train(alone, false);
  ASSERT_EQ(together.losses.size(), by_itself.losses.size());
  for (std::size_t i = 0; i < together.losses.size(); ++i) {
    EXPECT_NEAR(together.losses[i], by_itself.losses[i], 1e-4) << "step " << i + 1;
  }
}

TEST(QueuedRanks, MeasureTheSameNoise) {
  MpiCommunicator control(test::mpi(), Seconds(60));
  const Trained queued = train(control, true, Way::kQueuedWithNoise), waiting = train(control, true, Way::kWithNoise);
  ASSERT_EQ(queued.noise.size(), waiting.noise.size());
  ASSERT_FALSE(queued.noise.empty());
  for (std::size_t i = 0; i < queued.noise.size(); ++i) {
    EXPECT_NEAR(queued.noise[i], waiting.noise[i], 1e-3 * waiting.noise[i]) << "step " << i + 1;
  }
  EXPECT_EQ(queued.parameters, train(control, true).parameters);
}

}  // namespace
}  // namespace charrnn
