#include "data/column_tokens.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace charrnn {

/// Bytes in memory, or in a mapped file without a name once they are many.
class ColumnTokens::Storage {
 public:
  explicit Storage(std::size_t bytes) : bytes_(bytes) {
    constexpr std::size_t kMapFrom = std::size_t{64} << 20;
    if (bytes < kMapFrom) {
      memory_.resize(bytes);
      data_ = memory_.data();
      return;
    }
    std::string name = (std::filesystem::temp_directory_path() / "charrnn_tokens_XXXXXX").string();
    const int file = ::mkstemp(name.data());
    require(file >= 0, "cannot make a temporary file '{}': {}; set TMPDIR to a folder with {} MB of room",
            name, std::strerror(errno), bytes >> 20);
    ::unlink(name.c_str());
    // Reserved now, so that a full disk is an error here and not a SIGBUS in the middle of a run.
    const int full = ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
    void* mapped =
        full == 0 ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
    ::close(file);
    require(mapped != MAP_FAILED,
            "cannot keep {} MB of tokens in '{}': {}; set TMPDIR to a folder with more room", bytes >> 20,
            name, std::strerror(full != 0 ? full : errno));
    data_ = static_cast<unsigned char*>(mapped);
  }
  ~Storage() {
    if (memory_.empty() && data_ != nullptr) ::munmap(data_, bytes_);
  }
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  unsigned char* data() const { return data_; }

 private:
  std::size_t bytes_;
  std::vector<unsigned char> memory_;
  unsigned char* data_ = nullptr;
};

namespace {

template <class T>
void fill_window(const T* tokens, std::int64_t rows, std::int64_t columns, std::int64_t row,
                 std::int64_t length, std::int64_t* inputs, std::int64_t* targets) {
  for (std::int64_t column = 0; column < columns; ++column) {
    const T* at = tokens + column * rows + row;
    for (std::int64_t t = 0; t < length; ++t) {
      inputs[t * columns + column] = at[t];
      targets[t * columns + column] = at[t + 1];
    }
  }
}

}  // namespace

ColumnTokens::ColumnTokens(const MappedFile& file, const CorpusSummary& summary, const Vocabulary& vocabulary,
                           const ColumnLayout& layout, ColumnRange range)
    : range_(range), rows_(layout.rows()), wide_(vocabulary.size() > 256) {
  const auto count = static_cast<std::size_t>(range.count * rows_);
  storage_ = std::make_unique<Storage>(count * (wide_ ? sizeof(Token) : 1));
  if (count == 0) return;
  // A rank's columns are neighbours in the text: one stretch.
  const std::int64_t start = layout.column_start(range.first);
  if (wide_) {
    encode(file, summary, vocabulary, start, std::span(reinterpret_cast<Token*>(storage_->data()), count));
  } else {
    encode(file, summary, vocabulary, start, std::span<std::uint8_t>(storage_->data(), count));
  }
}

ColumnTokens::~ColumnTokens() = default;
ColumnTokens::ColumnTokens(ColumnTokens&&) noexcept = default;
ColumnTokens& ColumnTokens::operator=(ColumnTokens&&) noexcept = default;

void ColumnTokens::window(std::int64_t row, std::int64_t length, std::span<std::int64_t> inputs,
                          std::span<std::int64_t> targets) const {
  if (wide_) {
    fill_window(reinterpret_cast<const Token*>(storage_->data()), rows_, range_.count, row, length,
                inputs.data(), targets.data());
  } else {
    fill_window(storage_->data(), rows_, range_.count, row, length, inputs.data(), targets.data());
  }
}

}  // namespace charrnn
