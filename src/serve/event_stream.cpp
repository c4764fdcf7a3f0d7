#include "serve/event_stream.hpp"

#include <algorithm>
#include <string_view>

namespace charrnn {

using Clock = std::chrono::steady_clock;

std::string EventStream::next() {
  EventTail::News news = tail_.next();
  if (news.kind == EventTail::Kind::kNothing) return "";
  spoke_ = Clock::now();
  if (news.kind == EventTail::Kind::kRewound) return "event: reset\ndata: {}\n\n";
  if (news.kind == EventTail::Kind::kGone) return "event: gone\ndata: {}\n\n";
  std::ranges::replace(news.lines, '\r', ' ');  // a line end for a reader of events; in JSON it is a space
  std::string event = "id: " + tail_.place() + '\n';
  std::string_view lines = news.lines;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    event.append("data: ").append(lines.substr(0, end)).append("\n");
    lines.remove_prefix(end + 1);
  }
  return event + '\n';
}

std::string EventStream::sign_of_life() {
  constexpr auto kSilence = std::chrono::seconds(10);
  if (Clock::now() - spoke_ < kSilence) return "";
  spoke_ = Clock::now();
  return ":\n\n";
}

}  // namespace charrnn
