#include "data/gzip_stream.hpp"

#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.hpp"

namespace charrnn {

struct GzipStream::State {
  z_stream zlib{};
  std::array<unsigned char, 65'536> in, out;
  bool is_in_member = true;  ///< a file may be several gzip files, one after the other

  State() {
    constexpr int kGzip = 16 + MAX_WBITS;
    require(::inflateInit2(&zlib, kGzip) == Z_OK, "zlib does not start");
  }
  ~State() { ::inflateEnd(&zlib); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

GzipStream::GzipStream(const FileDescriptor& file) : file_(file), state_(std::make_unique<State>()) {}

GzipStream::~GzipStream() = default;

/// Whether there is more.
bool GzipStream::read_more() {
  for (;;) {
    const ssize_t got = ::read(file_.get(), state_->in.data(), state_->in.size());
    if (got < 0 && errno == EINTR) continue;
    require(got >= 0, "{}", std::strerror(errno));
    position_ += got;
    state_->zlib.next_in = state_->in.data();
    state_->zlib.avail_in = static_cast<unsigned>(got);
    return got > 0;
  }
}

std::span<const unsigned char> GzipStream::next() {
  z_stream& zlib = state_->zlib;
  zlib.next_out = state_->out.data();
  zlib.avail_out = static_cast<unsigned>(state_->out.size());
  while (zlib.avail_out > 0) {
    if (zlib.avail_in == 0 && !read_more()) {
      require(!state_->is_in_member, "the gzip file ends too early");
      break;
    }
    if (!state_->is_in_member) {
      if (*zlib.next_in != 0x1f) break;  // what is no gzip file is ignored at the end, as gzip does
      require(::inflateReset(&zlib) == Z_OK, "zlib does not start again");
      state_->is_in_member = true;
    }
    const int code = ::inflate(&zlib, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      state_->is_in_member = false;
    } else {
      require(code == Z_OK || code == Z_BUF_ERROR, "gzip: {}", zlib.msg != nullptr ? zlib.msg : "no reason is known");
    }
  }
  return {state_->out.data(), state_->out.size() - zlib.avail_out};
}

}  // namespace charrnn
