// How far something is, on a line that is written again and again.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/activity.hpp"

namespace charrnn {

/// On a terminal the line is redrawn a few times a second; elsewhere, such as in a job's output file, a new one is
/// printed when nothing has been printed for a minute.
class ProgressLine {
 public:
  explicit ProgressLine(std::FILE* stream);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  bool redraws() const { return redraws_; }
  /// Whether it is time to show().
  bool is_due() const;
  /// Shows the first of the texts that fits the terminal; elsewhere the first one.
  void show(std::initializer_list<std::string> texts);
  /// Takes the line from the terminal, if it is there.
  void clear();
  /// Prints a whole line in its place.
  void print(std::string_view text);

 private:
  using Clock = std::chrono::steady_clock;

  std::FILE* stream_;
  bool redraws_;
  bool is_drawn_ = false;
  Clock::time_point shown_ = Clock::now();
};

/// Work that may take long, one piece after the other: "reading     43 %  ETA 0:12".
class WorkLine final : public Activity {
 public:
  explicit WorkLine(ProgressLine& line) : line_(line) {}
  void on_work(std::string_view what, std::int64_t done, std::int64_t total) override;

 private:
  using Clock = std::chrono::steady_clock;

  ProgressLine& line_;
  std::string what_;
  std::int64_t done_ = 0, first_done_ = 0;
  Clock::time_point start_{};
};

}  // namespace charrnn
