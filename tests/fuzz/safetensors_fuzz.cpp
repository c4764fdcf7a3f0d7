// Models that somebody made as .safetensors files: any header, or a good file with some of its bytes changed. What is read
// has the sizes of the model; all else is a DataError.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "checkpoint/safetensors.hpp"
#include "checkpoint/some_checkpoint.hpp"

namespace charrnn {
namespace {

std::string good_file() {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("charrnn_fuzz_" + std::to_string(::getpid()) + ".safetensors");
  write_safetensors(path, some_checkpoint());
  std::ifstream file(path, std::ios::binary);
  std::string contents(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove(path);
  return contents;
}

void check(const std::string& file) {
  const int descriptor = ::memfd_create("model", 0);
  if (::write(descriptor, file.data(), file.size()) != static_cast<ssize_t>(file.size())) std::abort();
  const ParameterLayout layout = some_layout();
  try {
    const Checkpoint read = read_safetensors("/proc/self/fd/" + std::to_string(descriptor), Parts::kModel,
                                             [&](const Checkpoint&) { return layout; });
    for (std::size_t i = 0; i < layout.parameters().size(); ++i) {
      if (std::ssize(read.model.at(i).values) != layout.parameters()[i].size) std::abort();
    }
  } catch (const DataError&) {
  }
  ::close(descriptor);
}

}  // namespace
}  // namespace charrnn

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A header of its own, with the length that fits.
  const auto length = std::bit_cast<std::array<char, 8>>(std::uint64_t{size});
  charrnn::check(std::string(length.begin(), length.end()) + std::string(data, data + size));
  // Two bytes for a place, one for what is there.
  static const std::string kGood = charrnn::good_file();
  std::string file = kGood;
  for (std::size_t at = 0; at + 3 <= size; at += 3) {
    file[(data[at] << 8U | data[at + 1]) % file.size()] = static_cast<char>(data[at + 2]);
  }
  charrnn::check(file);
  file.resize(size > 0 ? file.size() * data[0] / 255 : 0);
  charrnn::check(file);
  return 0;
}
