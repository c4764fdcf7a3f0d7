// A file system that takes no more, at every possible moment of a save.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstddef>

#include "base/error.hpp"
#include "checkpoint/checkpoint.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

/// While this lives no file of the process grows beyond so many bytes: write() fails there, as on a full
/// disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

Checkpoint some_checkpoint() {
  Checkpoint checkpoint;
  checkpoint.arch = "gru";
  checkpoint.step = 7;
  checkpoint.config = "[model]\nmodel = \"gru\"\n";
  checkpoint.vocabulary.symbols = {"a", "b"};
  checkpoint.data.corpus_sha256 = std::string(64, '0');
  checkpoint.history.resize(3);
  for (auto* tensors : {&checkpoint.model, &checkpoint.exp_avg, &checkpoint.exp_avg_sq}) {
    tensors->push_back({"weight", {300, 1000}, std::vector<float>(300'000, 0.5F)});  // several chunks
    tensors->push_back({"bias", {10}, std::vector<float>(10, 0.25F)});
  }
  checkpoint.hidden = {1, 4, 8, std::vector<float>(32, 1), {}};
  return checkpoint;
}

TEST(FullDisk, LeavesNoFileThatLooksGood) {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "step_7.h5";
  const Checkpoint checkpoint = some_checkpoint();
  write_checkpoint(path, checkpoint);
  const std::size_t size = std::filesystem::file_size(path);
  std::filesystem::remove(path);
  // Close to the end, where only the library's caches are still to be written, byte by byte; before it in
  // strides.
  int refused = 0;
  for (std::size_t limit = 0; limit < size; limit += limit + 60'000 < size ? 50'000 : 497) {
    const std::string error = error_of<DataError>([&] {
      const FileSizeLimit full(limit);
      write_checkpoint(path, checkpoint);
    });
    EXPECT_NE(error.find("step_7.h5"), std::string::npos)
        << limit << " of " << size << " bytes: '" << error << "'";
    EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << limit << " of " << size << " bytes";
    std::filesystem::remove(path);
    ++refused;
  }
  EXPECT_GT(refused, 50);
  write_checkpoint(path, checkpoint);
  EXPECT_EQ(read_checkpoint(path).model.back().values, checkpoint.model.front().values);
}

}  // namespace
}  // namespace charrnn
