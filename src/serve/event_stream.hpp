// A metrics.jsonl as server-sent events (the format of text/event-stream in the HTML standard).
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "serve/event_tail.hpp"

namespace charrnn {

/// Events as a browser reads them: lines of the file as the data, and where to go on as the id; "reset" where the lines
/// begin anew; "gone" where the file was removed.
class EventStream {
 public:
  /// `place` is the id of an event that came before, or empty.
  EventStream(const std::filesystem::path& file, const std::string& place) : tail_(file, place) {}

  /// The next event; empty if there is nothing new.
  std::string next();
  /// A comment, now and then when there was nothing to say: writing it shows whether anyone still listens. Else empty.
  std::string sign_of_life();

 private:
  EventTail tail_;
  std::chrono::steady_clock::time_point spoke_ = std::chrono::steady_clock::now();
};

}  // namespace charrnn
