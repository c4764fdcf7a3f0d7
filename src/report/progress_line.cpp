#include "report/progress_line.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "report/terminal.hpp"

namespace charrnn {

ProgressLine::ProgressLine(std::FILE* stream) : stream_(stream), redraws_(can_redraw(stream)) {}

bool ProgressLine::is_due() const {
  using namespace std::chrono_literals;
  return Clock::now() - shown_ >= (redraws_ ? 200ms : 60s);
}

void ProgressLine::show(std::initializer_list<std::string> texts) {
  shown_ = Clock::now();
  if (!redraws_) return print(*texts.begin());
  const auto width = static_cast<std::size_t>(std::max(20, terminal_width(stream_) - 1));
  const auto* text = std::find_if(texts.begin(), texts.end() - 1, [&](const auto& one) { return one.size() <= width; });
  std::fputs(fmt::format("\r\x1b[K{}", one_line(*text, width)).c_str(), stream_);
  std::fflush(stream_);
  is_drawn_ = true;
}

// Here and above, a stream that is closed or full is no error: a training goes on without its screen.
void ProgressLine::clear() {
  if (!is_drawn_) return;
  std::fputs("\r\x1b[K", stream_);
  std::fflush(stream_);
  is_drawn_ = false;
}

void ProgressLine::print(std::string_view text) {
  clear();
  std::fputs(fmt::format("{}\n", text).c_str(), stream_);
  std::fflush(stream_);
  shown_ = Clock::now();
}

void WorkLine::on_work(std::string_view what, std::int64_t done, std::int64_t total) {
  if (what != what_ || done < done_) {
    what_ = what;
    first_done_ = done;
    start_ = Clock::now();
  }
  done_ = done;
  if (!line_.is_due() || done == first_done_ || total <= 0) return;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const double left = elapsed * static_cast<double>(total - done) / static_cast<double>(done - first_done_);
  line_.show({fmt::format("{:<11} {:3.0f} %  ETA {}", what,
                          100 * static_cast<double>(done) / static_cast<double>(total), duration_text(left))});
}

}  // namespace charrnn
