// Snapshots that are written on another thread, some of them at the second try.
#include "checkpoint/background_writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace charrnn {
namespace {

using namespace std::chrono_literals;

void give(BackgroundWriter& writer, std::int64_t step) {
  writer.take_buffer().checkpoint.step = step;
  writer.start();
}

/// Waits for a result; its path, or "failed".
std::string next_result(BackgroundWriter& writer) {
  while (!writer.has_result()) std::this_thread::yield();
  const auto result = writer.result();
  return result->error ? "failed" : result->path;
}

TEST(BackgroundWriter, WritesOnAThreadOfItsOwn) {
  std::promise<void> may_go_on;
  std::thread::id thread;
  BackgroundWriter writer(
      [&](const Snapshot& snapshot) {
        may_go_on.get_future().wait();
        thread = std::this_thread::get_id();
        return "step " + std::to_string(snapshot.checkpoint.step);
      },
      1h);
  give(writer, 7);
  EXPECT_TRUE(writer.is_writing());  // and this thread is here
  EXPECT_FALSE(writer.result());
  may_go_on.set_value();
  writer.await_write();
  EXPECT_EQ(next_result(writer), "step 7");
  EXPECT_NE(thread, std::this_thread::get_id());
  EXPECT_FALSE(writer.has_result());
}

TEST(BackgroundWriter, TriesAgain) {
  std::atomic<int> tries = 0;
  BackgroundWriter writer(
      [&](const Snapshot&) -> std::string {
        if (++tries < 3) throw WriteError("no room", ENOSPC);
        return "written";
      },
      1ms);
  give(writer, 1);
  std::string result;
  while (result != "written") result = next_result(writer);
  EXPECT_EQ(tries, 3);
}

TEST(BackgroundWriter, TriesAgainWhenAsked) {
  std::atomic<int> tries = 0;
  BackgroundWriter writer(
      [&](const Snapshot&) -> std::string {
        if (++tries == 1) throw WriteError("no room", ENOSPC);
        return "written";
      },
      1h);
  give(writer, 1);
  EXPECT_EQ(next_result(writer), "failed");
  writer.retry();
  EXPECT_EQ(next_result(writer), "written");
}

TEST(BackgroundWriter, ANewerSnapshotTakesThePlaceOfOneThatFailed) {
  BackgroundWriter writer(
      [&](const Snapshot& snapshot) -> std::string {
        if (snapshot.checkpoint.step == 1) throw WriteError("no room", ENOSPC);
        return "step " + std::to_string(snapshot.checkpoint.step);
      },
      1h);
  give(writer, 1);
  EXPECT_EQ(next_result(writer), "failed");
  give(writer, 2);
  EXPECT_EQ(next_result(writer), "step 2");
}

TEST(BackgroundWriter, AnOldResultIsNotTheNextSnapshots) {
  BackgroundWriter writer([](const Snapshot&) { return "written"; }, 1h);
  give(writer, 1);
  writer.await_write();
  EXPECT_TRUE(writer.has_result());
  writer.take_buffer();
  EXPECT_FALSE(writer.has_result());
}

TEST(BackgroundWriter, LeavesAWriteThatHangsBehind) {
  std::promise<void> begun, may_go_on;
  const auto ended = std::make_shared<std::promise<void>>();
  {
    BackgroundWriter writer(
        [&, ended](const Snapshot& snapshot) {
          begun.set_value();
          may_go_on.get_future().wait();
          EXPECT_EQ(snapshot.checkpoint.step, 7);  // which is still there
          ended->set_value();
          return "";
        },
        1h);
    give(writer, 7);
    begun.get_future().wait();
    writer.leave_behind(1ms);
  }
  may_go_on.set_value();
  ended->get_future().wait();
}

TEST(BackgroundWriter, FinishesAWriteInTime) {
  std::atomic<int> written = 0;
  {
    BackgroundWriter writer([&](const Snapshot&) { return std::to_string(++written); }, 1h);
    give(writer, 1);
    writer.leave_behind(1h);
  }
  EXPECT_EQ(written, 1);
}

TEST(BackgroundWriter, GivesOtherErrorsBack) {
  BackgroundWriter writer([](const Snapshot&) -> std::string { throw DataError("not my folder"); }, 0ms);
  give(writer, 1);
  writer.await_write();
  const auto result = writer.result();
  ASSERT_TRUE(result && result->error);
  EXPECT_THROW(std::rethrow_exception(result->error), DataError);
  EXPECT_FALSE(writer.is_writing());
}

}  // namespace
}  // namespace charrnn
