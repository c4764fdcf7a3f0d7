#include "train/step_agreement.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"

namespace charrnn {
namespace {

class StepAgreement : public testing::Test {
 protected:
  StepAgreement() : control_(test::mpi(), Seconds(20)) {}
  /// Each rank has one micro-batch, whose loss is its number + 1.
  StepNumbers agree(double norm, const StepFlags& flags = {}) {
    const Sharding sharding(size(), rank(), size());
    return agree_on_step(control_, sharding, std::vector<double>{rank() + 1.0}, norm, flags);
  }
  int rank() const { return control_.rank(); }
  int size() const { return control_.size(); }

  MpiCommunicator control_;
};

TEST_F(StepAgreement, LossesAreSummed) {
  EXPECT_EQ(agree(1).loss_sum, size() * (size() + 1) / 2.0);
}

// Ranks on other processors round the same sum of squares in another way, and would clip by something else.
TEST_F(StepAgreement, TheNormIsRankZeros) {
  const double almost = rank() == 0 ? 0.1 : std::nextafter(0.1, rank());
  EXPECT_EQ(agree(almost).gradient_norm, 0.1);
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(agree(rank() == 0 ? infinity : 1).gradient_norm, infinity);
  EXPECT_TRUE(std::isnan(agree(rank() == 0 ? std::nan("") : 1).gradient_norm));
}

TEST_F(StepAgreement, AFlagOfOneIsEveryones) {
  const bool is_last = rank() + 1 == size();
  const StepFlags flags = agree(1, {.stop = is_last, .save = false, .saved = is_last}).flags;
  EXPECT_TRUE(flags.stop);
  EXPECT_FALSE(flags.save);
  EXPECT_TRUE(flags.saved);
}

}  // namespace
}  // namespace charrnn
