// One copy of rank 0's bytes per machine, on 1, 2 and 3 ranks.
#include "dist/shared_file.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/host.hpp"
#include "dist/mpi_communicator.hpp"
#include "dist/mpi_test.hpp"

namespace charrnn {
namespace {

std::vector<std::byte> some_bytes(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * i >> 5);
  return bytes;
}

std::shared_ptr<ScratchFile> on_root_only(const Communicator& control, const std::vector<std::byte>& bytes) {
  if (control.rank() != 0) return nullptr;
  auto file = std::make_shared<ScratchFile>();
  file->append(bytes);
  return file;
}

/// Which file it is: the last word of its handle.
std::string identity(const ScratchFile& file) {
  const std::string handle = file.handle();
  return handle.substr(handle.rfind(' '));
}

class SharedFileTest : public testing::Test {
 protected:
  std::shared_ptr<ScratchFile> share(std::size_t size) {
    const std::vector<std::byte> bytes = some_bytes(size);
    std::shared_ptr<ScratchFile> file = share_file(on_root_only(control_, bytes), control_, activity_);
    EXPECT_TRUE(std::ranges::equal(file->map(), bytes)) << "on rank " << control_.rank();
    return file;
  }

  MpiCommunicator control_{test::mpi(), Seconds(60)};
  Activity activity_;
};

TEST_F(SharedFileTest, RanksOfOneMachineHaveTheSameMemory) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{100'000}, ScratchFile::kInMemory + 5}) {
    const std::vector<std::string> files = gather_strings(control_, identity(*share(size)));
    EXPECT_EQ(std::ranges::count(files, files[0]), control_.size());
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

// The last test: from here on the ranks other than 0 believe to be on a machine of their own.
TEST_F(SharedFileTest, AnotherMachineGetsOneCopy) {
  if (control_.rank() > 0) {
    const bool is_moved = (::unshare(CLONE_NEWUTS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0) &&
                          ::sethostname("elsewhere", 9) == 0;
    EXPECT_EQ(is_moved, host_name() == "elsewhere");
  }
  const std::vector<std::string> hosts = gather_strings(control_, host_name());
  for (const std::size_t size : {std::size_t{0}, std::size_t{10'000'001}}) {
    const std::vector<std::string> files = gather_strings(control_, identity(*share(size)));
    for (std::size_t a = 0; a < files.size(); ++a) {
      for (std::size_t b = 0; b < files.size(); ++b) EXPECT_EQ(files[a] == files[b], hosts[a] == hosts[b]) << a << b;
    }
  }
  if (std::ranges::count(hosts, hosts[0]) == control_.size()) return;  // not moved: nothing is sent
  StopOn last(control_.rank() == control_.size() - 1);
  EXPECT_THROW(share_file(on_root_only(control_, some_bytes(10'000'000)), control_, last), Interrupted);
}

}  // namespace
}  // namespace charrnn
