// Follows a metrics.jsonl as it grows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "serve/watched_file.hpp"

namespace charrnn {

/// Whole lines of a file from a place on. A resume replaces the file by one that lacks the later lines: then the reader
/// has to begin anew.
///
///     EventTail tail("runs/first/metrics.jsonl", "");
///     while (…) {
///       const EventTail::News news = tail.next();
///       if (news.kind == EventTail::Kind::kLines) show(news.lines, /*go on from*/ tail.place());
///     }
class EventTail {
 public:
  enum class Kind {
    kNothing,  ///< nothing new
    kLines,    ///< there are lines
    kRewound,  ///< it is another file now, or a shorter one; its lines come from the first one on
    kGone,     ///< it was there, and was removed; said once
  };
  struct News {
    Kind kind = Kind::kNothing;
    std::string lines;  ///< whole ones, each with its line end; at most 256 KB
  };

  /// `place` is what place() said before, of this or another EventTail; or empty, for the beginning of a file that may come
  /// to be later. The first next() says kRewound if that place is no longer there.
  EventTail(std::filesystem::path file, const std::string& place);

  News next();
  /// Behind the last line that next() gave: "OFFSET-INODE".
  std::string place() const;

 private:
  News rewind();

  std::filesystem::path file_;
  std::int64_t offset_ = 0;   ///< read so far
  std::int64_t place_ = 0;    ///< where the line at offset_ begins
  std::uint64_t inode_ = 0;   ///< 0: any
  bool must_check_ = false;   ///< whether a line begins at offset_
  bool is_there_ = false;     ///< as far as the caller knows
  bool within_line_ = false;  ///< in one that is too long, which is left out
};

}  // namespace charrnn
