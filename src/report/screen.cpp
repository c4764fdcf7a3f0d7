#include "report/screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "report/lines.hpp"
#include "report/terminal.hpp"

namespace charrnn {

namespace {

/// A word as a shell takes it: in quotes where it has anything but plain characters.
std::string for_shell(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+,:=@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

Screen::Screen(std::filesystem::path folder, std::string program, Spelling spelling)
    : folder_(std::move(folder)), program_(std::move(program)), spelling_(spelling), redraws_(output_redraws()) {}

Screen::~Screen() {
  clear_line();
}

void Screen::on_start(const RunFacts& facts) {
  first_step_ = facts.first_step;
  last_step_ = facts.last_step;
  epochs_ = facts.epochs;
  steps_per_epoch_ = facts.steps_per_epoch;
  started_ = Clock::now();
  for (const std::string& line : start_lines(facts)) print(line);
}

void Screen::on_progress(const ProgressReport& report) {
  using namespace std::chrono_literals;
  if (!redraws_) return;
  const auto now = Clock::now();
  if (line_is_drawn_ && now - last_drawn_ < 200ms) return;
  last_drawn_ = now;
  line_is_drawn_ = true;
  const std::int64_t in_epoch = (report.step - 1) % steps_per_epoch_ + 1;
  const double part = static_cast<double>(in_epoch) / static_cast<double>(steps_per_epoch_);
  constexpr int kBar = 20;
  const std::string bar(static_cast<std::size_t>(part * kBar), '#');
  const Clock::duration elapsed = now - started_;
  const double to_go = std::chrono::duration<double>(elapsed).count() * static_cast<double>(last_step_ - report.step) /
                       static_cast<double>(report.step - first_step_);
  const std::string line =
      fmt::format("epoch {}/{} [{:<{}}] {:3.0f} %  loss {:.4f} ({:.3f} bpc)  {} char/s  ETA {}",
                  (report.step - 1) / steps_per_epoch_ + 1, epochs_, bar, kBar, 100 * part, report.smoothed_loss,
                  bits(report.smoothed_loss), rate_text(report.characters_per_second), duration_text(to_go));
  const auto width = static_cast<std::size_t>(std::max(20, terminal_width() - 1));
  std::fputs(fmt::format("\r\x1b[K{}", one_line(line, width)).c_str(), stdout);
  std::fflush(stdout);
}

void Screen::on_validation(const ValidationReport& report) {
  print_row(validation_line(report));
}

void Screen::on_epoch(const EpochReport& report) {
  print_row(epoch_line(report));
}

void Screen::on_phases(const PhaseReport& report) {
  if (report.whole_run) print("time        " + phases_line(report));
}

void Screen::on_sample(std::int64_t /*step*/, const std::string& text) {
  const auto width = static_cast<std::size_t>(std::max(20, terminal_width() - 7));
  if (redraws_) print(fmt::format("      \x1b[2m{}\x1b[0m", one_line(text, width)));
}

void Screen::on_message(Severity severity, const std::string& text) {
  print((severity == Severity::kWarning ? "warning: " : "") + spelling_(text));
}

void Screen::on_end(const EndReport& report) {
  if (!report.error.empty()) return;  // the program prints errors itself
  if (report.code == ExitCode::kDone) {
    print(fmt::format("done at step {}; sample from it: {} sample {}", with_commas(report.step), program_,
                      for_shell(folder_.string())));
  } else {
    print(fmt::format("stopped by a signal at step {}, everything is saved; continue with {}", with_commas(report.step),
                      spelling_("`resume`")));
  }
}

void Screen::clear_line() {
  if (!line_is_drawn_) return;
  std::fputs("\r\x1b[K", stdout);
  std::fflush(stdout);
  line_is_drawn_ = false;
}

void Screen::print_row(const std::string& line) {
  if (!table_has_head_) print(epoch_heading());
  table_has_head_ = true;
  print(line);
}

void Screen::print(const std::string& line) {
  clear_line();
  std::puts(line.c_str());
  std::fflush(stdout);
}

}  // namespace charrnn
