// Standard input as a text.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "data/text_source.hpp"

namespace charrnn {

namespace {

class StandardInputReader final : public TextReader {
 public:
  explicit StandardInputReader(Activity& activity) : activity_(activity), buffer_(kPiece) {
    member_ = {.name = "standard input", .file_name = "standard input", .path = "", .unpack = ""};
  }

  bool next_member() override { return !std::exchange(is_begun_, true); }
  std::span<const unsigned char> read() override {
    activity_.advance("reading", position_, 0);
    // What the text begins with, a byte order mark or a packed file's magic, must not be cut.
    constexpr std::size_t kBeginning = 6;
    const std::size_t least = position_ == 0 ? kBeginning : 1;
    std::size_t done = 0;
    while (done < least) {
      const ssize_t got = ::read(STDIN_FILENO, buffer_.data() + done, buffer_.size() - done);
      if (got == 0) break;
      if (got < 0 && errno == EINTR) continue;
      require(got > 0, "cannot read standard input: {}", std::strerror(errno));
      done += static_cast<std::size_t>(got);
    }
    position_ += static_cast<std::int64_t>(done);
    return std::span(buffer_).first(done);
  }
  const Member& member() const override { return member_; }
  std::int64_t size() const override { return 0; }
  std::int64_t position() const override { return position_; }

 private:
  Activity& activity_;
  std::vector<unsigned char> buffer_;
  Member member_;
  std::int64_t position_ = 0;
  bool is_begun_ = false;
};

class StandardInputText final : public TextSource {
 public:
  StandardInputText() : TextSource("standard input") {}

  std::unique_ptr<TextReader> read(Activity& activity) const override {
    return std::make_unique<StandardInputReader>(activity);
  }
};

}  // namespace

std::unique_ptr<TextSource> standard_input_text() {
  return std::make_unique<StandardInputText>();
}

}  // namespace charrnn
