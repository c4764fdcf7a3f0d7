#include "base/sha256.hpp"

#include <gtest/gtest.h>

namespace charrnn {
namespace {

// The example of FIPS 180-4: SHA-256("abc"), given here in two pieces.
TEST(Sha256, KnownAnswerInPieces) {
  Sha256 digest;
  digest.update("a", 1);
  digest.update("bc", 2);
  EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace charrnn
