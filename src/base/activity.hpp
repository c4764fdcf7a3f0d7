// Work that may take long: it tells how far it is, and learns that it should stop.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"

namespace charrnn {

/// Thrown where work is given up because the process was asked to stop.
class Interrupted : public Error {
 public:
  Interrupted() : Error(ExitCode::kInterrupted, "stopped by a signal") {}
};

/// Whoever started the work.
///
///     for (std::int64_t at = 0; at < bytes; at += kPiece) {
///       activity.advance("reading", at, bytes);
///       …
///     }
class Activity {
 public:
  virtual ~Activity() = default;
  /// `done` of `total` units of the work are through; `what` is a word for a person, such as "reading".
  virtual void on_work(std::string_view /*what*/, std::int64_t /*done*/, std::int64_t /*total*/) {}
  virtual bool wants_stop() { return false; }

  /// To be called a few times a second. Interrupted if the work should stop.
  void advance(std::string_view what, std::int64_t done, std::int64_t total) {
    on_work(what, done, total);
    if (wants_stop()) throw Interrupted();
  }
};

}  // namespace charrnn
