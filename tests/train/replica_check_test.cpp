#include "train/replica_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ReplicaCheck : public testing::Test {
 protected:
  ReplicaCheck() : control_(test::mpi(), Seconds(20)) {
    layout_.add({.name = "e.weight", .shape = {4, 3}, .bound = 1});
    layout_.add({.name = "l_out.weight", .shape = {5, 7}, .bound = 1});
    parameters_.resize(static_cast<std::size_t>(layout_.size()));
    initialise(layout_, 1, parameters_);
  }
  std::string error() {
    try {
      check_replicas(layout_, parameters_, 12, control_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInterrupted);
      return error.what();
    }
    return "";
  }

  MpiCommunicator control_;
  ParameterLayout layout_;
  std::vector<float> parameters_;
};

TEST_F(ReplicaCheck, EqualParametersPass) {
  EXPECT_EQ(error(), "");
}

TEST_F(ReplicaCheck, NamesTheRankAndTheParameter) {
  if (control_.size() < 2) GTEST_SKIP() << "one rank has nobody to differ from";
  // The last bit of one number on the last rank.
  auto& value = parameters_[static_cast<std::size_t>(layout_.parameters()[1].offset + 9)];
  if (control_.rank() == control_.size() - 1) value = std::nextafter(value, 2.0F);
  EXPECT_THAT(error(),
              AllOf(HasSubstr("after step 12"), HasSubstr(fmt::format("rank {} holds", control_.size() - 1)),
                    HasSubstr("first in 'l_out.weight'"),
                    HasSubstr(control_.size() > 2 ? "than the others" : "cannot be told")));
}

TEST_F(ReplicaCheck, TheMajorityIsRight) {
  if (control_.size() < 3) GTEST_SKIP() << "two ranks have no majority";
  if (control_.rank() == 0) parameters_[2] = -parameters_[2];
  EXPECT_THAT(error(),
              AllOf(HasSubstr("rank 0 holds other parameters than the others"), HasSubstr("'e.weight'")));
}

}  // namespace
}  // namespace charrnn
