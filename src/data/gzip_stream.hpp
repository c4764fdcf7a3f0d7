// A gzip file, unpacked.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/file_descriptor.hpp"

namespace charrnn {

/// Unpacks a file from its beginning to its end, and checks the lengths and checksums in it, which libarchive does not.
///
///     GzipStream stream(file);
///     for (auto bytes = stream.next(); !bytes.empty(); bytes = stream.next()) …
class GzipStream {
 public:
  /// `file` is at its beginning, and outlives this.
  explicit GzipStream(const FileDescriptor& file);
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  /// The next bytes, which are there until the next call; none at the end. DataError that says why, not where, for a
  /// file that is damaged or cut off.
  std::span<const unsigned char> next();
  /// Bytes of the file that have been read.
  std::int64_t position() const { return position_; }

 private:
  struct State;
  bool read_more();

  const FileDescriptor& file_;
  std::int64_t position_ = 0;
  std::unique_ptr<State> state_;
};

}  // namespace charrnn
