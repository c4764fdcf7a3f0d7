// What rank 0 does alone, and what the others learn of it, on 1, 2 and 3 ranks.
#include "dist/agreement.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"

namespace charrnn {
namespace {

/// As a slow disk would: nobody waits for this to be over, it only takes its time.
void work_for(Seconds duration) {
  std::this_thread::sleep_for(duration);
}

TEST(OnRoot, GivesTheResultToAll) {
  MpiCommunicator control(test::mpi(), Seconds(20));
  const std::string result = on_root(control, [&] { return fmt::format("from {}", control.rank()); });
  EXPECT_EQ(result, "from 0");
}

TEST(OnRoot, MayWorkFarLongerThanTheDeadline) {
  MpiCommunicator control(test::mpi(), Seconds(0.5));
  const std::string result = on_root(control, [] {
    work_for(Seconds(2.5));
    return std::string("done");
  });
  EXPECT_EQ(result, "done");
}

TEST(OnRoot, MayNotWorkForEver) {
  constexpr Seconds kTimeout{0.3};
  MpiCommunicator control(test::mpi(), kTimeout);
  std::string reason;
  try {
    on_root(control, [&] {
      work_for(kTimeout * kRootPatience + Seconds(0.5));
      return std::string();
    });
  } catch (const CommError& error) {
    reason = error.what();
  }
  // Rank 0 gives its result away without looking whether somebody is still there to take it.
  if (control.rank() != 0) {
    EXPECT_NE(reason.find("takes too long"), std::string::npos) << reason;
  }
}

TEST(OnRoot, FailsOnEveryRankWithTheCodeOfRankZero) {
  MpiCommunicator control(test::mpi(), Seconds(20));
  try {
    on_root(control, []() -> std::string { throw DataError("a bad corpus"); });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kData);
    EXPECT_EQ(dynamic_cast<const RemoteError*>(&error) == nullptr, control.rank() == 0);
  }
}

/// Wants to stop from the start, on one rank.
class StopOn final : public Activity {
 public:
  explicit StopOn(bool wants) : wants_(wants) {}
  bool wants_stop() override { return wants_; }

 private:
  bool wants_;
};

TEST(OnRoot, AnyRankCanStopIt) {
  MpiCommunicator control(test::mpi(), Seconds(20));
  StopOn activity(control.rank() == control.size() - 1);
  try {
    on_root(control, activity, [](Activity& all) {
      for (std::int64_t i = 0;; ++i) all.advance("working", i, i + 1);  // for ever, but for the stop
    });
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kInterrupted);
    EXPECT_EQ(dynamic_cast<const RemoteError*>(&error) == nullptr, control.rank() == 0);
  }
}

TEST(StopTogether, IsOnAllRanksOrNone) {
  MpiCommunicator control(test::mpi(), Seconds(20));
  StopOn nobody(false), last(control.rank() == control.size() - 1);
  EXPECT_NO_THROW(stop_together(control, nobody));
  EXPECT_THROW(stop_together(control, last), Interrupted);
}

TEST(Together, OneRanksErrorIsEveryones) {
  MpiCommunicator control(test::mpi(), Seconds(20));
  const int last = control.size() - 1;
  for (const ExitCode code : {ExitCode::kUsage, ExitCode::kData, ExitCode::kInterrupted}) {
    try {
      together(control, [&] {
        if (control.rank() == last) throw Error(code, "the last rank fails");
      });
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_EQ(dynamic_cast<const RemoteError*>(&error) == nullptr, control.rank() == last);
    }
  }
}

}  // namespace
}  // namespace charrnn
