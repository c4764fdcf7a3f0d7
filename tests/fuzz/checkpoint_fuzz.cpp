// Hostile checkpoints with the digest that fits: read, or refused with a DataError. What is read can be written again.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"
#include "checkpoint/contents.hpp"
#include "checkpoint/digest.hpp"
#include "checkpoint/some_checkpoint.hpp"
#include "fuzz/hdf5_edits.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

namespace fs = std::filesystem;

std::vector<char> contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::vector<char>& bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// A good checkpoint, and a folder for what becomes of it.
class Workshop {
 public:
  Workshop() {
    write_checkpoint(path_, some_checkpoint());
    good_ = contents(path_);
    names_ = names_in(path_);
  }

  void try_one(FuzzedDataProvider& source) const {
    write(path_, good_);
    edit(path_, names_, source);
    std::vector<char> edited = contents(path_);
    seal(edited);
    write(path_, edited);
    try {
      check_digest(path_);
      const Checkpoint checkpoint =
          read_checkpoint(path_, Parts::kAll, [](const Checkpoint&) { return some_layout(); });
      vocabulary_of(checkpoint);
      config_of(checkpoint, path_.string(), [](const std::string&) {});
      write_checkpoint(path_, checkpoint);
      check_digest(path_);
    } catch (const DataError&) {
    }
  }

 private:
  TemporaryFolder folder_;
  fs::path path_ = folder_.path() / "checkpoint.h5";
  std::vector<char> good_;
  Hdf5Names names_;
};

}  // namespace
}  // namespace charrnn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const charrnn::Workshop workshop;
  FuzzedDataProvider source(data, size);
  workshop.try_one(source);
  return 0;
}
