// A file of entries that wait in memory while the disk is full.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/append_file.hpp"
#include "base/warn.hpp"

namespace charrnn {

/// Up to 64 MB of them, which are tried again once a second, with the next entry.
///
///     PatientFile file("metrics.jsonl", warn_on_stderr);
///     file.append("{…}\n");
///     file.append("{…}\n", PatientFile::kLast);
class PatientFile {
 public:
  enum Place { kMore, kLast };

  /// Creates the file if it is not there; WriteError if it cannot be written. `warn` hears once when entries have to wait, and
  /// when they are lost.
  PatientFile(std::filesystem::path path, Warn warn) : path_(std::move(path)), warn_(std::move(warn)), file_(path_) {}

  /// Whole entries are written, or nothing. The last one cannot wait.
  void append(std::string_view entry, Place place = kMore);

 private:
  using Clock = std::chrono::steady_clock;

  std::filesystem::path path_;
  Warn warn_;
  AppendFile file_;
  std::string waiting_;            ///< entries that could not be written yet
  Clock::time_point try_again_{};  ///< when they are to be tried again
};

}  // namespace charrnn
