// What is found is read from files that look like the system's, or handed in. The real things: tests/e2e/doctor.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "doctor/gpus.hpp"
#include "doctor/machine.hpp"
#include "doctor/network.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::HasSubstr;

class Memory : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& contents) const {
    std::filesystem::create_directories((root_.path() / path).parent_path());
    std::ofstream(root_.path() / path) << contents;
  }
  Finding check(int ranks) const { return check_memory(ranks, root_.path()); }

  TemporaryFolder root_;
};

TEST_F(Memory, IsThatOfTheMachineOrOfTheTightestGroup) {
  write("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:    4000000 kB\n");
  EXPECT_EQ(check(2).verdict, Verdict::kGood);
  EXPECT_THAT(check(2).text, HasSubstr("4.1 GB available"));
  write("proc/self/cgroup", "0::/job/step\n");
  write("sys/fs/cgroup/job/step/memory.max", "max\n");
  EXPECT_THAT(check(2).text, HasSubstr("4.1 GB available"));
  write("sys/fs/cgroup/job/memory.max", "500000000\n");
  EXPECT_EQ(check(1).verdict, Verdict::kGood);
  EXPECT_EQ(check(2).verdict, Verdict::kWarning);
  EXPECT_THAT(check(2).text, HasSubstr("500 MB allowed"));
}

TEST_F(Memory, UnknownIsNoFault) {
  EXPECT_EQ(check(64).verdict, Verdict::kGood);
}

TEST(Cores, FewerThanRanksOrThanTheQuota) {
  const std::vector<RankPlace> two(2, {"n1", {0, 1}}), three(3, {"n1", {0, 1}});
  EXPECT_EQ(check_cores(two, 0, nullptr)[0].verdict, Verdict::kGood);
  EXPECT_EQ(check_cores(three, 0, nullptr)[0].verdict, Verdict::kWarning);
  EXPECT_EQ(check_cores(two, 0, "4,2").size(), 1U);
  EXPECT_EQ(check_cores(two, 0, "1")[0].verdict, Verdict::kGood);
  const Finding crowded = check_cores(two, 0, "4")[0];
  EXPECT_EQ(crowded.verdict, Verdict::kWarning);
  EXPECT_THAT(crowded.text, HasSubstr("2 rank(s), 4 thread(s) a rank (OMP_NUM_THREADS)"));
  EXPECT_EQ(check_cores(two, 0, "many")[1].verdict, Verdict::kWarning);
  const std::vector<RankPlace> limited(2, {"n1", {0, 1}, {.cores = 1.5, .group = "a"}});
  EXPECT_EQ(check_cores(limited, 0, nullptr)[1].verdict, Verdict::kWarning);
}

TEST(Network, OneAddressOnTwoNodes) {
  const std::vector<std::string> hosts{"n1", "n2"};
  const std::vector<Interface> plain{{"n1", "eth0", "10.0.0.1"}, {"n2", "eth0", "10.0.0.2"}};
  for (const Finding& finding : check_interfaces(plain, hosts)) EXPECT_EQ(finding.verdict, Verdict::kGood);
  std::vector<Interface> bridged = plain;
  bridged.push_back({"n1", "docker0", "172.17.0.1"});
  bridged.push_back({"n2", "docker0", "172.17.0.1"});
  const Finding last = check_interfaces(bridged, hosts).back();
  EXPECT_EQ(last.verdict, Verdict::kWarning);
  EXPECT_THAT(last.remedy, HasSubstr("btl_tcp_if_exclude=lo,docker0 "));
}

TEST(Network, ANodeWithoutAny) {
  const std::vector<std::string> hosts{"n1", "n2"};
  const std::vector<Interface> one{{"n1", "eth0", "10.0.0.1"}};
  EXPECT_EQ(check_interfaces(one, hosts)[1].verdict, Verdict::kFault);
  EXPECT_EQ(check_interfaces({}, std::vector<std::string>{"n1"})[0].verdict, Verdict::kGood);
}

#ifndef CHARRNN_CUDA
TEST(Gpus, ThatThisProgramCannotUse) {
  const TemporaryFolder root;
  EXPECT_EQ(check_gpus(1, root.path())[0].verdict, Verdict::kGood);
  for (const char* gpu : {"0000:3b:00.0", "0000:5e:00.0"}) {
    std::filesystem::create_directories(root.path() / "proc/driver/nvidia/gpus" / gpu);
  }
  const Finding finding = check_gpus(1, root.path())[0];
  EXPECT_EQ(finding.verdict, Verdict::kWarning);
  EXPECT_THAT(finding.text, HasSubstr("2, which this program, built for CPUs only, cannot use"));
  EXPECT_THAT(finding.remedy, HasSubstr("--preset cuda"));
}
#endif

TEST(GpuPairs, AWarningWhereSomeGoThroughTheHost) {
  using enum GpuLink;
  EXPECT_TRUE(check_links({}).empty());
  const std::vector<GpuLink> joined(6, kNvlink), apart = {kNvlink, kHost, kHost};
  EXPECT_EQ(check_links(joined)[0].verdict, Verdict::kGood);
  EXPECT_EQ(check_links(joined)[0].text, "NVLink between all 6 pairs");
  EXPECT_EQ(check_links(apart)[0].verdict, Verdict::kWarning);
  EXPECT_THAT(check_links(apart)[0].remedy, HasSubstr("nvidia-smi topo -m"));
}

}  // namespace
}  // namespace charrnn
