// A packed file or an archive as members of a text, by libarchive.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/file_descriptor.hpp"
#include "data/text_source.hpp"

namespace charrnn {

using Tick = std::function<void()>;

/// One member for a file that is packed by gzip, bzip2, xz or zstd; for a tar archive (packed or not) or a zip one, its
/// regular files in the order in which they stand there. Nothing is written to disk, and names in the archive are used
/// in messages only. `file` is at its beginning, `size` its bytes; `gzip`: it is packed by gzip. Calls `tick`, which
/// outlives it, while it works. DataError for a file that unpacks to more than kMostText bytes and kMostRatio times its
/// size.
std::unique_ptr<TextReader> read_archive(FileDescriptor file, const std::string& path, std::int64_t size, bool gzip,
                                         const Tick& tick);

inline constexpr std::int64_t kMostText = std::int64_t{1} << 30;
inline constexpr std::int64_t kMostRatio = 250;

}  // namespace charrnn
