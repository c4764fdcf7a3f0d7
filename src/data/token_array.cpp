#include "data/token_array.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "data/text_source.hpp"

namespace charrnn {

/// Bytes in memory, or, from 64 MB on, in a mapped temporary file that has no name.
class TokenArray::Storage {
 public:
  explicit Storage(std::size_t bytes) : bytes_(bytes) {
    constexpr std::size_t kMapFrom = std::size_t{64} << 20;
    if (bytes < kMapFrom) {
      memory_.resize(bytes);
      data_ = memory_.data();
      return;
    }
    const char* folder = std::getenv("TMPDIR");
    std::string name = fmt::format("{}/charrnn_tokens_XXXXXX", folder != nullptr ? folder : "/tmp");
    const int file = ::mkstemp(name.data());
    require(file >= 0, "cannot make a temporary file '{}': {}; set TMPDIR to a folder with {} MB of room", name,
            std::strerror(errno), bytes >> 20);
    ::unlink(name.c_str());
    // Reserved now, so that a full disk is an error here and not a SIGBUS in the middle of a run.
    const int full = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
    void* mapped = full == 0 ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
    ::close(file);
    require(mapped != MAP_FAILED, "cannot keep {} MB of tokens in '{}': {}; set TMPDIR to a folder with more room",
            bytes >> 20, name, std::strerror(full != 0 ? full : errno));
    data_ = static_cast<unsigned char*>(mapped);
  }
  ~Storage() {
    if (memory_.empty() && data_ != nullptr) ::munmap(data_, bytes_);
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  unsigned char* data() const { return data_; }
  /// A hint that these bytes have been written and are not needed for now.
  void release(std::span<const std::byte> bytes) const {
    if (!memory_.empty()) return;
    release_pages({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  }

 private:
  std::size_t bytes_;
  std::vector<unsigned char> memory_;
  unsigned char* data_ = nullptr;
};

TokenArray::TokenArray(const TextSource& text, const CorpusSummary& summary, const Vocabulary& vocabulary,
                       std::int64_t first, std::int64_t count)
    : size_(count), wide_(vocabulary.size() > 256) {
  const auto elements = static_cast<std::size_t>(count);
  storage_ = std::make_unique<Storage>(elements * (wide_ ? sizeof(Token) : 1));
  const auto fill = [&](auto* tokens) {
    constexpr std::int64_t kPiece = std::int64_t{4} << 20;
    for (std::int64_t at = 0; at < count; at += kPiece) {
      const std::span piece(tokens + at, static_cast<std::size_t>(std::min(kPiece, count - at)));
      encode(text, summary, vocabulary, first + at, piece);
      storage_->release(std::as_bytes(piece));
    }
  };
  if (wide_) {
    fill(reinterpret_cast<Token*>(storage_->data()));
  } else {
    fill(storage_->data());
  }
}

TokenArray::~TokenArray() = default;
TokenArray::TokenArray(TokenArray&&) noexcept = default;
TokenArray& TokenArray::operator=(TokenArray&&) noexcept = default;

void TokenArray::copy(std::int64_t first, std::int64_t count, std::int64_t* to, std::int64_t stride) const {
  const auto copy_from = [&](const auto* tokens) {
    for (std::int64_t i = 0; i < count; ++i) to[i * stride] = tokens[first + i];
  };
  if (wide_) {
    copy_from(reinterpret_cast<const Token*>(storage_->data()));
  } else {
    copy_from(storage_->data());
  }
}

}  // namespace charrnn
