#include "serve/event_tail.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "serve/event_stream.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;
using Kind = EventTail::Kind;

class Following : public ::testing::Test {
 protected:
  void append(const std::string& text) { std::ofstream(file_, std::ios::app) << text; }
  /// As a resume does it: another file takes the place of this one.
  void replace(const std::string& text) {
    const fs::path other = folder_.path() / "other";
    std::ofstream(other) << text;
    fs::rename(other, file_);
  }
  void expect(EventTail& tail, Kind kind, const std::string& lines = "") {
    const EventTail::News news = tail.next();
    EXPECT_EQ(news.kind, kind);
    EXPECT_EQ(news.lines, lines);
  }

  TemporaryFolder folder_;
  const fs::path file_ = folder_.path() / "metrics.jsonl";
};

TEST_F(Following, GivesWholeLinesAsTheyCome) {
  append("one\ntwo\nthr");
  EventTail tail(file_, "");
  expect(tail, Kind::kLines, "one\ntwo\n");
  expect(tail, Kind::kNothing);
  append("ee\n");
  expect(tail, Kind::kLines, "three\n");
}

TEST_F(Following, GoesOnFromAPlace) {
  append("one\ntwo\n");
  EventTail first(file_, "");
  expect(first, Kind::kLines, "one\ntwo\n");
  append("three\n");
  EventTail second(file_, first.place());
  expect(second, Kind::kLines, "three\n");
}

TEST_F(Following, BeginsAnewInAnotherFile) {
  append("one\ntwo\n");
  EventTail tail(file_, "");
  expect(tail, Kind::kLines, "one\ntwo\n");
  const std::string place = tail.place();
  replace("one\nTWO\n");
  expect(tail, Kind::kRewound);
  expect(tail, Kind::kLines, "one\nTWO\n");
  EventTail later(file_, place);
  expect(later, Kind::kRewound);
  expect(later, Kind::kLines, "one\nTWO\n");
}

TEST_F(Following, BeginsAnewInAShorterFile) {
  append("one\ntwo\n");
  EventTail tail(file_, "");
  expect(tail, Kind::kLines, "one\ntwo\n");
  fs::resize_file(file_, 4);
  expect(tail, Kind::kRewound);
  expect(tail, Kind::kLines, "one\n");
}

TEST_F(Following, NoticesAPlaceWhereNoLineBegins) {
  append("one\ntwo\n");
  EventTail tail(file_, "2");
  expect(tail, Kind::kRewound);
  expect(tail, Kind::kLines, "one\ntwo\n");
}

TEST_F(Following, TakesNonsenseForTheBeginning) {
  append("one\n");
  for (const char* place : {"x", "-", "-5", "9999999999999999999999-1", "0-0", "--"}) {
    EventTail tail(file_, place);
    expect(tail, Kind::kLines, "one\n");
  }
}

TEST_F(Following, SaysOnceThatTheFileIsGone) {
  append("one\n");
  EventTail tail(file_, "");
  expect(tail, Kind::kLines, "one\n");
  fs::remove(file_);
  expect(tail, Kind::kGone);
  expect(tail, Kind::kNothing);
  append("new\n");
  expect(tail, Kind::kRewound);
  expect(tail, Kind::kLines, "new\n");
}

TEST_F(Following, WaitsForAFileThatIsNotThereYet) {
  EventTail tail(file_, "");
  expect(tail, Kind::kNothing);
  append("one\n");
  expect(tail, Kind::kLines, "one\n");
  EventTail later(folder_.path() / "none", tail.place());
  expect(later, Kind::kGone);
}

TEST_F(Following, LeavesOutALineThatIsTooLong) {
  append(std::string(1 << 20, 'x'));
  append("\nafter\n");
  EventTail tail(file_, "");
  expect(tail, Kind::kLines, "after\n");
  append(std::string(1 << 20, 'x'));
  const std::string place = tail.place();
  expect(tail, Kind::kNothing);  // it has no end yet
  EXPECT_EQ(tail.place(), place);
  append("\nlast\n");
  expect(tail, Kind::kLines, "last\n");
}

TEST_F(Following, LeavesOutAnEndlessLineBitByBit) {
  append("one\n");
  fs::resize_file(file_, std::int64_t{1} << 40);  // takes no room, but hours to read
  EventTail tail(file_, "");
  expect(tail, Kind::kLines, "one\n");
  expect(tail, Kind::kNothing);
}

TEST_F(Following, FollowsNoLink) {
  append("secret\n");
  fs::create_symlink(file_, folder_.path() / "link");
  EventTail tail(folder_.path() / "link", "");
  expect(tail, Kind::kNothing);
}

TEST_F(Following, NoLineIsSeveralFieldsOfAnEvent) {
  append("{\revent: gone\r\r}\n");
  EventStream stream(file_, "");
  EXPECT_TRUE(stream.next().ends_with("\ndata: { event: gone  }\n\n"));
}

TEST_F(Following, AsServerSentEvents) {
  append("one\ntwo\n");
  EventStream stream(file_, "");
  const std::string first = stream.next();
  EXPECT_TRUE(first.starts_with("id: 8-")) << first;
  EXPECT_TRUE(first.ends_with("\ndata: one\ndata: two\n\n")) << first;
  EXPECT_EQ(stream.next(), "");
  EXPECT_EQ(stream.sign_of_life(), "");
  fs::resize_file(file_, 4);
  EXPECT_EQ(stream.next(), "event: reset\ndata: {}\n\n");
  fs::remove(file_);
  EXPECT_EQ(stream.next(), "event: gone\ndata: {}\n\n");
}

}  // namespace
}  // namespace charrnn
