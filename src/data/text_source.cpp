#include "data/text_source.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace charrnn {

namespace {

class MemoryReader final : public TextReader {
 public:
  MemoryReader(const std::string& text, const std::string& name, Activity& activity)
      : text_(text), activity_(activity) {
    member_ = {.name = fmt::format("'{}'", name), .file_name = name, .path = "", .unpack = ""};
  }

  bool next_member() override { return !std::exchange(is_begun_, true); }
  std::span<const unsigned char> read() override {
    activity_.advance("reading", position(), size());
    const std::span<const unsigned char> all(reinterpret_cast<const unsigned char*>(text_.data()), text_.size());
    const std::span<const unsigned char> piece = all.subspan(at_, std::min(kPiece, all.size() - at_));
    at_ += piece.size();
    return piece;
  }
  const Member& member() const override { return member_; }
  std::int64_t size() const override { return static_cast<std::int64_t>(text_.size()); }
  std::int64_t position() const override { return static_cast<std::int64_t>(at_); }

 private:
  const std::string& text_;
  Activity& activity_;
  Member member_;
  std::size_t at_ = 0;
  bool is_begun_ = false;
};

}  // namespace

LeftOut& LeftOut::operator+=(const LeftOut& more) {
  hidden += more.hidden;
  links += more.links;
  others += more.others;
  return *this;
}

std::string LeftOut::text() const {
  std::string all;
  const auto add = [&](std::int64_t count, const char* one, const char* many) {
    if (count > 0) all += fmt::format("{}{} {}", all.empty() ? "" : ", ", count, count == 1 ? one : many);
  };
  add(hidden, "hidden file", "hidden files");
  add(links, "link", "links");
  add(others, "device or pipe", "devices or pipes");
  return all;
}

std::unique_ptr<TextReader> MemoryText::read(Activity& activity) const {
  return std::make_unique<MemoryReader>(text_, name(), activity);
}

}  // namespace charrnn
