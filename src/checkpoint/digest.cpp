#include "checkpoint/digest.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "checkpoint/checkpoint.hpp"

namespace charrnn {

namespace {

constexpr std::string_view kMagic = "charrnn_dist ";

std::string block_text(const std::string& digest) {
  return fmt::format("{}1\nsha256 {}\n", kMagic, digest);
}

/// SHA-256 of everything that the stream has left.
std::string hash_rest(std::ifstream& file) {
  Sha256 digest;
  std::vector<char> buffer(std::size_t{1} << 20);
  while (file) {
    file.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    digest.update(buffer.data(), static_cast<std::size_t>(file.gcount()));
  }
  return digest.hex();
}

}  // namespace

void seal(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(kUserBlock);
  std::array<char, kUserBlock> block{};
  const std::string text = block_text(hash_rest(file));
  require(file.eof() && !file.bad(), "cannot read '{}' again to hash it", path.string());
  text.copy(block.data(), block.size());
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool written =
      descriptor >= 0 &&
      ::pwrite(descriptor, block.data(), block.size(), 0) == static_cast<ssize_t>(block.size()) &&
      ::fsync(descriptor) == 0;
  const int why = errno;
  if (descriptor >= 0) ::close(descriptor);
  require(written, "cannot write '{}': {}", path.string(), std::strerror(why));
}

std::string check_digest(const std::filesystem::path& path) {
  std::error_code unknown;
  if (std::filesystem::is_directory(path, unknown)) return "it is a directory";
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::strerror(errno);
  std::array<char, kUserBlock> block{};
  file.read(block.data(), block.size());
  if (file.gcount() != static_cast<std::streamsize>(block.size())) return "it is too short for a checkpoint";
  const std::string_view text(block.data(), block.size());
  if (!text.starts_with(kMagic)) return "it is not a checkpoint of charrnn_dist";
  if (!text.starts_with(fmt::format("{}1\n", kMagic)))
    return "its format version is not one that this program reads";
  std::array<char, kUserBlock> expected{};
  block_text(hash_rest(file)).copy(expected.data(), expected.size());
  return block == expected ? "" : "its checksum does not match: the file is damaged";
}

}  // namespace charrnn
