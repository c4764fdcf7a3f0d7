// The limits are read from files that look like the system's. A limit of the system itself: tests/e2e/threads.py.
#include "base/cpu_quota.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "temporary_folder.hpp"

namespace charrnn {
namespace {

class Quota : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& contents) const {
    std::filesystem::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_.path() / path) << contents;
  }
  CpuQuota read() const { return cpu_quota(root_.path()); }

  TemporaryFolder root_;
};

TEST_F(Quota, NoneWhereNothingCanBeRead) {
  EXPECT_TRUE(std::isinf(read().cores));
}

TEST_F(Quota, Version2) {
  write("proc/self/cgroup", "0::/user.slice/job\n");
  write("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
  EXPECT_TRUE(std::isinf(read().cores));
  write("sys/fs/cgroup/user.slice/job/cpu.max", "150000 100000\n");
  EXPECT_EQ(read().cores, 1.5);
  write("sys/fs/cgroup/user.slice/cpu.max", "400000 100000\n");
  EXPECT_EQ(read().cores, 1.5);
}

TEST_F(Quota, OfAGroupAbove) {
  write("proc/self/cgroup", "0::/user.slice/job\n");
  write("sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n");
  write("sys/fs/cgroup/user.slice/job/cpu.max", "max 100000\n");
  const CpuQuota first = read();
  EXPECT_EQ(first.cores, 0.5);
  write("proc/self/cgroup", "0::/user.slice/other\n");
  EXPECT_EQ(read().group, first.group);
  write("sys/fs/cgroup/user.slice/other/cpu.max", "20000 100000\n");
  EXPECT_NE(read().group, first.group);
}

TEST_F(Quota, Version1) {
  write("proc/self/cgroup", "3:cpuset:/a\n2:cpu,cpuacct:/b/c\n1:memory:/d:e\n0::/\n");
  write("sys/fs/cgroup/cpu/b/c/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/b/c/cpu.cfs_period_us", "100000\n");
  EXPECT_TRUE(std::isinf(read().cores));
  write("sys/fs/cgroup/cpu/b/c/cpu.cfs_quota_us", "250000\n");
  EXPECT_EQ(read().cores, 2.5);
}

TEST_F(Quota, InAContainerThatSeesItsGroupAsTheTop) {
  write("proc/self/cgroup", "4:cpu,cpuacct:/docker/0123\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read().cores, 3);
}

}  // namespace
}  // namespace charrnn
