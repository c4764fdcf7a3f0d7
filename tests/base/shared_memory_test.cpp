#include "base/shared_memory.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "base/error.hpp"

namespace charrnn {
namespace {

/// What `work` returns in a process of its own, which has no other thread.
template <class Work>
int in_child(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SharedMemory, IsZeroAtFirst) {
  const SharedMemory memory(100'000);
  EXPECT_EQ(memory.bytes().size(), 100'000U);
  EXPECT_EQ(std::ranges::count(memory.bytes(), std::byte{0}), 100'000);
}

TEST(SharedMemory, AnotherProcessReadsAndWritesIt) {
  const SharedMemory memory(100'000);
  memory.bytes()[99'999] = std::byte{7};
  EXPECT_EQ(in_child([handle = memory.handle()] {
              const auto same = SharedMemory::open(handle);
              if (!same || same->bytes().size() != 100'000) return 1;
              same->bytes()[0] = std::byte{5};
              return static_cast<int>(same->bytes()[99'999]);
            }),
            7);
  EXPECT_EQ(memory.bytes()[0], std::byte{5});
}

TEST(SharedMemory, StaysWithThoseThatHaveIt) {
  std::optional<SharedMemory> first(SharedMemory(1000));
  const std::string handle = first->handle();
  const auto second = SharedMemory::open(handle);
  first->bytes()[3] = std::byte{9};
  first.reset();
  EXPECT_EQ(second->bytes()[3], std::byte{9});
  EXPECT_FALSE(SharedMemory::open(handle));
}

// On another machine the same path may lead to something else.
TEST(SharedMemory, OpensNothingElse) {
  const SharedMemory memory(1000), other(1000);
  const std::string handle = memory.handle(), of_other = other.handle();
  const auto path = [](const std::string& text) { return text.substr(0, text.find(' ')); };
  const auto mark = [](const std::string& text) { return text.substr(text.find(' ')); };
  EXPECT_TRUE(SharedMemory::open(path(handle) + mark(handle)));
  EXPECT_FALSE(SharedMemory::open(path(handle) + mark(of_other)));
  EXPECT_FALSE(SharedMemory::open("/proc/self/exe" + mark(handle)));
  EXPECT_FALSE(SharedMemory::open("/dev/zero" + mark(handle)));
  EXPECT_FALSE(SharedMemory::open("/proc/1/fd/10000" + mark(handle)));
  EXPECT_FALSE(SharedMemory::open(""));
}

TEST(SharedMemory, NeedsNoRoomInDevShm) {
  const int result = in_child([] {
    if (::unshare(CLONE_NEWNS) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 77;
    ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    if (::mount("none", "/dev/shm", "tmpfs", 0, "size=64k") != 0) return 77;
    const SharedMemory memory(std::size_t{16} << 20);
    std::ranges::fill(memory.bytes(), std::byte{1});
    return 0;
  });
  if (result == 77) GTEST_SKIP() << "this user may not mount";
  EXPECT_EQ(result, 0);
}

TEST(SharedMemory, SaysThatThereIsNoRoom) {
  EXPECT_EQ(in_child([] {
              constexpr rlimit kOneMegabyte{1 << 20, 1 << 20};
              ::signal(SIGXFSZ, SIG_IGN);
              ::setrlimit(RLIMIT_FSIZE, &kOneMegabyte);
              try {
                const SharedMemory memory(std::size_t{2} << 20);
              } catch (const Error& error) {
                return std::string(error.what()).find("MB of shared memory") != std::string::npos ? 0 : 1;
              }
              return 2;
            }),
            0);
}

}  // namespace
}  // namespace charrnn
