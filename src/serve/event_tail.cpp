#include "serve/event_tail.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/text.hpp"

namespace charrnn {

namespace {

constexpr std::int64_t kPiece = 256 << 10;
constexpr int kPiecesAtOnce = 64;  // of a line that is too long

}  // namespace

EventTail::EventTail(std::filesystem::path file, const std::string& place) : file_(std::move(file)) {
  const auto parts = split(place, '-');
  if (parts.empty()) return;
  offset_ = number_in<std::int64_t>(parts[0]).value_or(0);
  if (offset_ <= 0) {
    offset_ = 0;
    return;
  }
  place_ = offset_;
  must_check_ = is_there_ = true;
  if (parts.size() > 1) inode_ = number_in<std::uint64_t>(parts[1]).value_or(0);
}

EventTail::News EventTail::rewind() {
  offset_ = place_ = 0;
  inode_ = 0;
  must_check_ = within_line_ = false;
  return {Kind::kRewound, ""};
}

EventTail::News EventTail::next() {
  const auto file = WatchedFile::open(file_);
  if (!file) {
    const bool is_news = std::exchange(is_there_, false);
    return {is_news ? Kind::kGone : Kind::kNothing, ""};
  }
  const FileState& state = file->state();
  const bool is_new = !std::exchange(is_there_, true);
  if ((is_new && offset_ > 0) || state.size < offset_ || (inode_ != 0 && state.inode != inode_)) return rewind();
  if (std::exchange(must_check_, false) && file->read(offset_ - 1, 1) != "\n") return rewind();
  inode_ = state.inode;
  for (int i = 0; i < kPiecesAtOnce; ++i) {
    std::string text = file->read(offset_, kPiece);
    const std::size_t end = text.rfind('\n');
    if (end == std::string::npos) {
      if (static_cast<std::int64_t>(text.size()) < kPiece) return {};  // the line is still being written
      within_line_ = true;
      offset_ += kPiece;
      continue;
    }
    text.resize(end + 1);
    offset_ += static_cast<std::int64_t>(text.size());
    place_ = offset_;
    if (std::exchange(within_line_, false)) text.erase(0, text.find('\n') + 1);
    if (!text.empty()) return {Kind::kLines, std::move(text)};
  }
  return {};  // the rest of the line another time
}

std::string EventTail::place() const {
  return fmt::format("{}-{}", place_, inode_);
}

}  // namespace charrnn
