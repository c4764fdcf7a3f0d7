#include "serve/run_catalog.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "checkpoint/attempt_mark.hpp"
#include "serve/prometheus.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kNow = 1000;

class Catalog : public ::testing::Test {
 protected:
  fs::path add(const std::string& name, const std::string& metrics) {
    fs::path folder = folder_.path() / name;
    fs::create_directories(folder);
    write(folder / "metrics.jsonl", metrics);
    return folder;
  }
  static void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }
  RunSummary only() {
    const auto runs = catalog_.list(kNow);
    EXPECT_EQ(runs.size(), 1U);
    return runs.at(0).summary;
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const NamedRun& run : catalog_.list(kNow)) found.push_back(run.name);
    return found;
  }

  TemporaryFolder folder_;
  RunCatalog catalog_{{folder_.path()}};
};

const std::string kStart =
    R"({"event":"run","step":0,"steps":90,"parameters":7,"ranks":2,"time":900,"config":"[model]\nmodel = \"gru\"\nlayers = 2\nhidden = 32\n"})"
    "\n";

TEST_F(Catalog, SummarizesARun) {
  add("a", kStart + R"({"event":"step","step":10,"loss":2.5,"learning_rate":0.1,"characters_per_second":50,"time":901}
{"event":"epoch","epoch":0,"step":30,"train_loss":2.4,"val_loss":2.3,"time":902}
{"event":"step","step":40,"loss":2.25,"learning_rate":0.1,"characters_per_second":60,"time":903}
{"event":"validation","step":40,"val_loss":2.35,"time":904}
{"event":"end","step":40,"exit_code":75,"best_val_loss":2.3,"time":905}
)");
  const RunSummary run = only();
  EXPECT_EQ(run.state, RunState::kStopped);
  EXPECT_EQ(run.model, "gru, 2 x 32");
  EXPECT_EQ(run.step, 40);
  EXPECT_EQ(run.steps, 90);
  EXPECT_EQ(run.epoch, 0);
  EXPECT_EQ(run.loss, 2.25);
  EXPECT_EQ(run.val_loss, 2.35);
  EXPECT_EQ(run.best_val_loss, 2.3);
  EXPECT_EQ(run.characters_per_second, 60);
  EXPECT_EQ(run.updated, 905);
  EXPECT_THAT(run.sparkline, ElementsAre(std::pair(10, 2.5), std::pair(40, 2.25)));
}

TEST_F(Catalog, TellsHowARunIs) {
  const fs::path folder = add("a", kStart);
  const auto state = [&](double now) { return RunSummarizer(folder).update(now).state; };
  EXPECT_EQ(state(kNow), RunState::kTraining);  // it spoke 100 s ago, from wherever
  EXPECT_EQ(state(kNow + 1000), RunState::kSilent);
  const AttemptMark mark = make_mark();
  write(folder / "attempt", mark.line + '\n');
  EXPECT_EQ(state(kNow + 1000), RunState::kTraining);
  const std::size_t start = mark.line.find(mark.start);
  const std::string before = mark.line.substr(0, start), after = mark.line.substr(start + mark.start.size());
  write(folder / "attempt", fmt::format("{}1{}\n", before, after));  // a process before this one
  EXPECT_EQ(state(kNow), RunState::kDied);
  write(folder / "metrics.jsonl", kStart + R"({"event":"end","step":1,"exit_code":0,"time":1})"
                                           "\n");
  EXPECT_EQ(state(kNow), RunState::kDone);
  write(folder / "metrics.jsonl", kStart + R"({"event":"end","step":1,"exit_code":70,"time":1})"
                                           "\n");
  EXPECT_EQ(state(kNow), RunState::kFailed);
}

TEST_F(Catalog, NoticesWhatIsNew) {
  const fs::path folder = add("a", kStart);
  EXPECT_EQ(only().step, 0);
  std::ofstream(folder / "metrics.jsonl", std::ios::app) << R"({"event":"step","step":5,"loss":1})"
                                                            "\n";
  EXPECT_EQ(only().step, 5);
  fs::remove_all(folder);
  EXPECT_THAT(names(), ElementsAre());
  EXPECT_FALSE(catalog_.find("a"));
}

TEST_F(Catalog, ToleratesWhatIsDamagedOrHostile) {
  add("a", kStart + "nonsense\n[1]\n{\"event\":7,\"step\":\"x\",\"loss\":[]}\n\x80\xff\n" + std::string(5000, '{') +
               "\n{\"event\":\"step\",\"step\":5,\"loss\":null}\n{\"event\":\"step\",\"step\":6,\"lo");
  const RunSummary run = only();
  EXPECT_EQ(run.step, 5);
  EXPECT_FALSE(run.loss);
}

TEST_F(Catalog, ReadsALargeFileToItsEnd) {
  const fs::path folder = add("a", kStart);
  std::ofstream file(folder / "metrics.jsonl", std::ios::app);
  for (int step = 1; step <= 100'000; ++step) {
    file << R"({"event":"step","step":)" << step << R"(,"loss":)" << 100'000 - step << ",\"time\":950}\n";
    if (step == 20'000) file << R"({"event":"epoch","epoch":0,"step":20000,"val_loss":2.5,"time":951})" << '\n';
    if (step == 50'000) file << R"({"event":"run","step":50000,"steps":95,"time":952})" << '\n';
    if (step == 60'000) file << R"({"event":"epoch","epoch":1,"step":60000,"val_loss":2.75,"time":953})" << '\n';
  }
  file.close();
  const RunSummary run = only();
  EXPECT_EQ(run.attempts, 2);
  EXPECT_EQ(run.steps, 95);
  EXPECT_EQ(run.step, 100'000);
  EXPECT_EQ(run.epoch, 1);
  EXPECT_EQ(run.val_loss, 2.75);
  EXPECT_EQ(run.best_val_loss, 2.5);
  EXPECT_GE(run.sparkline.size(), 40U);
  EXPECT_LE(run.sparkline.size(), 80U);
  EXPECT_EQ(run.sparkline.back().first, 100'000);
  for (std::size_t i = 1; i < run.sparkline.size(); ++i) {
    EXPECT_GT(run.sparkline[i].first, run.sparkline[i - 1].first);
    EXPECT_LT(run.sparkline[i].second, run.sparkline[i - 1].second);
  }
}

TEST_F(Catalog, ForgetsWhatAResumeTookBack) {
  const fs::path folder = add("a", kStart + R"({"event":"step","step":5,"loss":1}
{"event":"epoch","epoch":0,"step":9,"val_loss":0.5}
)");
  EXPECT_EQ(only().best_val_loss, 0.5);
  write(folder / "new", kStart + R"({"event":"step","step":5,"loss":1})"
                                 "\n");
  fs::rename(folder / "new", folder / "metrics.jsonl");
  const RunSummary run = only();
  EXPECT_EQ(run.step, 5);
  EXPECT_FALSE(run.best_val_loss);
  EXPECT_THAT(run.sparkline, ElementsAre(std::pair(5, 1.0)));
  fs::remove(folder / "metrics.jsonl");
  write(folder / "config.toml", "");
  EXPECT_EQ(only().step, 0);
}

TEST_F(Catalog, TakesNoFinalValidationForOneOfTheCurve) {
  add("a", kStart + R"({"event":"validation","step":40,"val_loss":2.25,"final":false}
{"event":"validation","step":40,"val_loss":2.125,"final":true}
)");
  EXPECT_EQ(only().val_loss, 2.25);
  EXPECT_EQ(only().best_val_loss, 2.25);
}

TEST_F(Catalog, ListsFoldersOfRunsOnly) {
  add("<b>", kStart);
  add("line\nend", "");
  add("not\xffutf8", kStart);
  fs::create_directories(folder_.path() / "empty");
  write(folder_.path() / "file", "");
  const fs::path made = add("new", "");
  fs::remove(made / "metrics.jsonl");
  write(made / "config.toml", "");
  EXPECT_THAT(names(), ElementsAre("<b>", "line\nend", "new"));
}

TEST_F(Catalog, FindsNothingOutsideItsFolder) {
  add("a", kStart);
  const fs::path inner = add("a/inner", kStart);
  const RunCatalog one({folder_.path() / "a"});  // a run's folder: that run alone
  EXPECT_TRUE(one.find("a"));
  for (const std::string& name : {std::string(".."), std::string("."), std::string(), std::string("a/inner"),
                                  std::string("../a"), inner.string(), std::string("inner"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(one.find(name)) << name;
    EXPECT_FALSE(catalog_.find(name)) << name;
  }
}

TEST_F(Catalog, HasModelsBesideRuns) {
  const TemporaryFolder models;
  add("first", kStart);
  write(folder_.path() / "first.safetensors", "damaged");
  write(models.path() / "good.safetensors", "damaged");
  write(models.path() / "first.safetensors", "damaged");
  fs::create_symlink(models.path() / "good.safetensors", folder_.path() / "link.safetensors");
  RunCatalog both({folder_.path(), models.path(), models.path()});
  std::vector<std::string> names;
  for (const NamedRun& run : both.list(kNow)) names.push_back(run.name);
  const std::string other = fmt::format("first.safetensors ({})", models.path().filename().string());
  EXPECT_THAT(names, ElementsAre("first", "first.safetensors", other, "good.safetensors"));
  EXPECT_EQ(both.find(other), models.path() / "first.safetensors");
  EXPECT_EQ(both.list(kNow)[1].summary.state, RunState::kModel);
  EXPECT_EQ(both.list(kNow)[1].summary.model, "");
  EXPECT_EQ(find_checkpoint(models.path() / "good.safetensors", "latest"), models.path() / "good.safetensors");
  EXPECT_THAT(prometheus_text(both.list(kNow)), ::testing::Not(HasSubstr("safetensors")));

  RunCatalog one({models.path() / "good.safetensors"});
  EXPECT_EQ(one.list(kNow).size(), 1U);
  EXPECT_FALSE(one.find("first.safetensors"));
}

TEST_F(Catalog, NamesCheckpoints) {
  const fs::path folder = add("a", kStart) / "checkpoints";
  fs::create_directories(folder);
  write(folder / "cycle_0.h5", "x");
  write(folder / "step_9.h5", "x");
  write(folder / "notes.txt", "x");
  fs::create_symlink("cycle_0.h5", folder / "best");
  fs::create_symlink("step_9.h5", folder / "latest");
  fs::create_symlink("/etc/passwd", folder / "evil.h5");
  ASSERT_EQ(::mkfifo((folder / "pipe.h5").c_str(), 0600), 0);
  const fs::path run = folder_.path() / "a";
  EXPECT_EQ(checkpoints_of(run).size(), 2U);
  EXPECT_EQ(find_checkpoint(run, "best"), folder / "cycle_0.h5");
  EXPECT_EQ(find_checkpoint(run, "latest"), folder / "step_9.h5");
  EXPECT_EQ(find_checkpoint(run, "step_9.h5"), folder / "step_9.h5");
  for (const char* name : {"", "evil.h5", "pipe.h5", "notes.txt", "../metrics.jsonl", "/etc/passwd", "absent.h5"}) {
    EXPECT_FALSE(find_checkpoint(run, name)) << name;
  }
}

TEST_F(Catalog, CutsSamplesApart) {
  const fs::path run = add("a", kStart);
  write(run / "samples.txt", "--- step 10\nThe <b>cat\n\nsat\n--- step 20\n--- step x\nend\n");
  const auto samples = samples_of(run);
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].step, 10);
  EXPECT_EQ(samples[0].text, "The <b>cat\n\nsat");
  EXPECT_EQ(samples[1].text, "--- step x\nend");
}

TEST_F(Catalog, TellsPrometheus) {
  add("a\"b\\c\nd", kStart + R"({"event":"step","step":10,"loss":2.5})"
                             "\n");
  const std::string text = prometheus_text(catalog_.list(kNow));
  EXPECT_THAT(text, HasSubstr("# TYPE charrnn_loss gauge\ncharrnn_loss{run=\"a\\\"b\\\\c\\nd\"} 2.5\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE charrnn_val_loss gauge\n# HELP"));  // there is none
}

}  // namespace
}  // namespace charrnn
