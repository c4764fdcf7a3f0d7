#include "serve/access.hpp"

#include <gtest/gtest.h>

#include "base/host.hpp"

namespace charrnn {
namespace {

int status(const Access& access, const Credentials& given, bool is_public = false) {
  const auto refusal = access.check(given, is_public);
  return refusal ? refusal->status : 200;
}

TEST(Access, NeedsNoTokenWhereOnlyThisMachineCanReachIt) {
  for (const char* bind : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) {
    EXPECT_TRUE(Access(bind, false).token().empty()) << bind;
    EXPECT_EQ(Access(bind, true).token().size(), 64U) << bind;
  }
}

TEST(Access, NeedsATokenWhereOthersCanReachIt) {
  for (const char* bind : {"0.0.0.0", "::", "10.0.0.7", "node1", "127.evil.com", "1270.0.0.1"}) {
    EXPECT_EQ(Access(bind, false).token().size(), 64U) << bind;
  }
  const Access access("0.0.0.0", false);
  EXPECT_NE(access.token(), Access("0.0.0.0", false).token());
  EXPECT_EQ(status(access, {"10.0.0.7:80", "", ""}), 401);
  EXPECT_EQ(status(access, {"10.0.0.7:80", "", "Bearer "}), 401);
  EXPECT_EQ(status(access, {"10.0.0.7:80", "", "Bearer " + access.token().substr(1) + "g"}), 401);
  EXPECT_EQ(status(access, {"10.0.0.7:80", "", "Bearer " + access.token() + " "}), 401);
  EXPECT_EQ(status(access, {"10.0.0.7:80", "", "Bearer " + access.token()}), 200);
  EXPECT_EQ(status(access, {"10.0.0.7:80", "", ""}, /*is_public=*/true), 200);
}

TEST(Access, RefusesNamesThatMayBeAnyones) {
  const Access access("127.0.0.1", false);
  for (const char* host : {"localhost:8080", "LocalHost", "127.0.0.1:9000", "[::1]:8080", "192.168.1.2:80"}) {
    EXPECT_EQ(status(access, {host, "", ""}), 200) << host;
  }
  EXPECT_EQ(status(access, {host_name() + ":8080", "", ""}), 200);
  for (const char* host : {"", "evil.com", "evil.com:8080", "localhost.evil.com", "127.0.0.1.evil.com", "[]"}) {
    EXPECT_EQ(status(access, {host, "", ""}), 403) << host;
    EXPECT_EQ(status(access, {host, "", ""}, /*is_public=*/true), 403) << host;
  }
}

TEST(Access, RefusesOtherPages) {
  const Access access("127.0.0.1", false);
  EXPECT_EQ(status(access, {"localhost:8080", "http://localhost:8080", ""}), 200);
  for (const char* origin : {"null", "http://evil.com", "https://localhost:8080", "http://localhost:8081"}) {
    EXPECT_EQ(status(access, {"localhost:8080", origin, ""}), 403) << origin;
  }
}

}  // namespace
}  // namespace charrnn
