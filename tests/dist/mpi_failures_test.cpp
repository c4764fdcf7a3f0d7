// Calls that MPI refuses: a negative count.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"

namespace charrnn {
namespace {

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const CommError& error) {
    return error.what();
  }
  return "no error";
}

class MpiFailures : public testing::Test {
 protected:
  MpiCommunicator subject_{test::mpi(), Seconds(20)};
  std::vector<std::int64_t> none_ = std::vector<std::int64_t>(static_cast<std::size_t>(subject_.size()), 0),
                            refused_ = std::vector<std::int64_t>(static_cast<std::size_t>(subject_.size()), -1);
};

TEST_F(MpiFailures, NameTheCall) {
  subject_.barrier();
  EXPECT_THAT(message_of([&] { subject_.all_to_all({}, refused_, {}, none_); }),
              testing::MatchesRegex("rank [01]: all_to_all \\(call 2\\) failed .*"));
}

TEST_F(MpiFailures, InTheBackgroundComeToLightAtTheEnd) {
  bool ran = false;
  subject_.begin_all_to_all({}, none_, {}, none_, {});
  subject_.begin_all_to_all({}, refused_, {}, none_, [&] { ran = true; });
  for (int i = 0; i < 1000; ++i) subject_.poll();
  EXPECT_THAT(message_of([&] { subject_.finish_begun(); }),
              testing::MatchesRegex("rank [01]: all_to_all \\(call [12]\\) failed .*"));
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace charrnn
