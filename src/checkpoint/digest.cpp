#include "checkpoint/digest.hpp"

#include <algorithm>
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

/// Empty, or what is wrong with the file.
std::string fault_of(const std::filesystem::path& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (error) return error.message();
  if (!std::filesystem::is_regular_file(status)) return "it is not a regular file";
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::strerror(errno);
  std::array<char, kUserBlock> block{};
  file.read(block.data(), block.size());
  if (file.gcount() != static_cast<std::streamsize>(block.size())) return "it is too short for a checkpoint";
  const std::string_view text(block.data(), block.size());
  if (!text.starts_with(kMagic)) return "it is neither a checkpoint of charrnn_dist nor a .safetensors file";
  if (!text.starts_with(fmt::format("{}1\n", kMagic))) return "its format version is not one that this program reads";
  std::array<char, kUserBlock> expected{};
  block_text(hash_rest(file)).copy(expected.data(), expected.size());
  return block == expected ? "" : "its checksum does not match: the file is damaged";
}

}  // namespace

void check_digest(const std::filesystem::path& path) {
  const std::string fault = fault_of(path);
  require(fault.empty(), "cannot use the checkpoint '{}': {}", path.string(), fault);
}

void seal(std::span<char> file) {
  Sha256 digest;
  digest.update(file.data() + kUserBlock, file.size() - kUserBlock);
  std::ranges::fill(file.first(kUserBlock), '\0');
  const std::string text = block_text(digest.hex());
  text.copy(file.data(), kUserBlock);
}

}  // namespace charrnn
