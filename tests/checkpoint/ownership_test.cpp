// Who owns a run's folder: several claims in one process and in children of it. Other machines and containers are in
// tests/e2e/two_starts.py.
#include "checkpoint/ownership.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using State = AttemptMark::State;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The mark of a process that has ended.
std::string ended_mark() {
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string line = make_mark().line;
    _exit(::write(pipe_ends[1], line.data(), line.size()) == static_cast<ssize_t>(line.size()) ? 0 : 1);
  }
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  std::string line(1000, '\0');
  line.resize(static_cast<std::size_t>(::read(pipe_ends[0], line.data(), line.size())));
  for (const int end : pipe_ends) ::close(end);
  return line;
}

/// The same mark as a machine that was started at another time would write it.
std::string elsewhere(const AttemptMark& mark) {
  std::string line = mark.line;
  const std::size_t boot = line.find(mark.place);
  line[boot] = line[boot] == '0' ? '1' : '0';
  return line;
}

TEST(AttemptMarkTest, SaysWhetherItsProcessLives) {
  EXPECT_EQ(make_mark().state(), State::kAlive);
  EXPECT_EQ(parse_mark(ended_mark()).state(), State::kEnded);
  EXPECT_EQ(parse_mark(elsewhere(make_mark())).state(), State::kUnknown);
  EXPECT_EQ(parse_mark("node1 4711 restart 0 0123456789abcdef").state(), State::kUnknown);  // of version 0.5
  EXPECT_EQ(parse_mark("").state(), State::kUnknown);
  EXPECT_EQ(parse_mark("no mark").state(), State::kUnknown);
}

TEST(AttemptMarkTest, ANumberThatIsUsedAgainIsAnotherProcess) {
  const AttemptMark mark = make_mark();
  std::string line = mark.line;
  line[line.rfind(mark.start)] = mark.start[0] == '9' ? '8' : '9';  // it started at another time
  EXPECT_EQ(parse_mark(line).state(), State::kEnded);
}

class OwnershipTest : public testing::Test {
 protected:
  void write_mark(const std::string& line) {
    fs::create_directories(folder_);
    replace_file(file_, line + "\n");
  }
  std::string refusal_of_new_run() {
    return error_of<UsageError>([&] { Ownership(folder_, Claim::kNewRun, warn_, activity_); });
  }
  std::string mark() const {
    std::ifstream stream(file_);
    std::string line;
    std::getline(stream, line);
    return line;
  }

  TemporaryFolder parent_;
  fs::path folder_ = parent_.path() / "runs" / "first";
  fs::path file_ = folder_ / "attempt";
  std::vector<std::string> warnings_;
  Activity activity_;
  Warn warn_ = [this](const std::string& line) { warnings_.push_back(line); };
};

TEST_F(OwnershipTest, LeavesNothingBehindWhereNothingWasWritten) {
  {
    const Ownership ownership(folder_, Claim::kNewRun, warn_, activity_);
    EXPECT_TRUE(fs::exists(file_));
  }
  EXPECT_TRUE(fs::is_empty(parent_.path()));
}

TEST_F(OwnershipTest, KeepsAFolderThatWasThere) {
  fs::create_directories(folder_);
  { const Ownership ownership(folder_, Claim::kNewRun, warn_, activity_); }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(OwnershipTest, ANewRunIsRefusedWhereAnyAttemptHasLeftItsMark) {
  for (const std::string& line : {ended_mark(), elsewhere(make_mark())}) {
    write_mark(line);
    EXPECT_THAT(refusal_of_new_run(), HasSubstr("`resume`")) << line;
    EXPECT_EQ(mark(), line);
  }
  const std::string living = make_mark().line;
  write_mark(living);
  EXPECT_THAT(refusal_of_new_run(), HasSubstr("is training in"));
  EXPECT_EQ(mark(), living);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(OwnershipTest, AResumeTakesOverWithAWarningFromWhatItCannotSee) {
  write_mark(ended_mark());
  { const Ownership ownership(folder_, Claim::kResume, warn_, activity_); }
  EXPECT_THAT(warnings_, IsEmpty());
  write_mark(elsewhere(make_mark()));
  const Ownership ownership(folder_, Claim::kResume, warn_, activity_);
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("over from process")));
  ownership.check();
}

TEST_F(OwnershipTest, AResumeIsRefusedWhereTheOtherStaysAlive) {
  const Ownership ownership(folder_, Claim::kNewRun, warn_, activity_);
  EXPECT_THAT(error_of<UsageError>([&] { Ownership(folder_, Claim::kResume, warn_, activity_); }),
              HasSubstr("is training in"));
  ownership.check();
}

TEST_F(OwnershipTest, WhoLostTheFolderNoticesBeforeItWrites) {
  const Ownership ownership(folder_, Claim::kNewRun, warn_, activity_);
  write_mark(elsewhere(make_mark()));
  EXPECT_THAT(error_of<DataError>([&] { ownership.check(); }), HasSubstr("another attempt"));
  fs::remove_all(folder_);
  EXPECT_THAT(error_of<DataError>([&] { ownership.check(); }), HasSubstr("deleted or renamed"));
}

}  // namespace
}  // namespace charrnn
