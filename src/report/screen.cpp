#include "report/screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "report/lines.hpp"
#include "report/terminal.hpp"
#include "train/schedule.hpp"

namespace charrnn {

namespace {

constexpr int kLabel = 12;  // columns of the words before the lines at the start

}  // namespace

Screen::Screen(std::filesystem::path folder, std::string program, Spelling spelling)
    : folder_(std::move(folder)), program_(std::move(program)), spelling_(spelling) {}

void Screen::on_start(const RunFacts& facts) {
  last_step_ = facts.last_step;
  epochs_ = epochs_text(facts.last_step, facts.steps_per_epoch);
  steps_per_epoch_ = facts.steps_per_epoch;
  for (const std::string& line : start_lines(facts)) print_labelled(line);
}

void Screen::on_work(std::string_view what, std::int64_t done, std::int64_t total) {
  work_.on_work(what, done, total);
}

void Screen::on_progress(const ProgressReport& report) {
  if (!line_.is_due()) return;
  const double part = static_cast<double>(report.step) / static_cast<double>(last_step_);
  constexpr int kBar = 20;
  const std::string bar(static_cast<std::size_t>(part * kBar), '#');
  const double epochs = static_cast<double>(report.step) / static_cast<double>(steps_per_epoch_);
  const std::string place = fmt::format("{:3.0f} %  {:.2f}/{} epochs", 100 * part, epochs, epochs_);
  const std::string loss = fmt::format("  loss {}", loss_text(report.smoothed_loss));
  const std::string bpc = fmt::format(" ({} bpc)", loss_text(bits(report.smoothed_loss), 3));
  const std::string rate = fmt::format("  {} char/s", rate_text(report.characters_per_second));
  const std::string eta = "  ETA " + duration_text(report.seconds_left);
  line_.show({fmt::format("[{:<{}}] ", bar, kBar) + place + loss + bpc + rate + eta, place + loss + bpc + rate + eta,
              place + loss + rate + eta, place + loss + eta, place + eta});
}

void Screen::on_skip(const SkipReport& report) {
  if (report.in_a_row == 1) line_.print("warning: " + skip_line(report));
}

void Screen::on_validation(const ValidationReport& report) {
  print_row(validation_line(report));
}

void Screen::on_epoch(const EpochReport& report) {
  print_row(epoch_line(report));
}

void Screen::on_phases(const PhaseReport& report) {
  if (!report.whole_run) return;
  print_labelled("time        " + phases_line(report));
  if (noise_scale_) print_labelled("noise       " + noise_line(*noise_scale_));
}

void Screen::on_sample(std::int64_t /*step*/, const std::string& text) {
  const auto width = static_cast<std::size_t>(std::max(20, terminal_width() - kLabel - 1));
  if (line_.redraws()) line_.print(fmt::format("{:<{}}\x1b[2m{}\x1b[0m", "writes", kLabel, one_line(text, width)));
}

void Screen::on_message(Severity severity, const std::string& text) {
  print_labelled((severity == Severity::kWarning ? "warning: " : "") + without_controls(spelling_(text)));
}

void Screen::on_end(const EndReport& report) {
  if (!report.error.empty()) return;  // the program prints errors itself
  if (report.code == ExitCode::kDone) {
    std::vector<std::string> lines = end_lines(report);
    lines.back() += fmt::format("; sample from it: {} sample {}", program_, for_shell(folder_.string()));
    for (const std::string& line : lines) line_.print(line);
  } else {
    line_.print(fmt::format("stopped by a signal at step {}, everything is saved; continue with {}",
                            with_commas(report.step), spelling_("`resume`")));
  }
}

void Screen::print_labelled(const std::string& line) {
  if (!line_.redraws()) return line_.print(line);
  std::string text;
  add_wrapped(text, line, 0, kLabel, static_cast<std::size_t>(std::max(40, terminal_width())));
  text.pop_back();  // the line end, which print() adds
  line_.print(text);
}

void Screen::print_row(const std::string& line) {
  if (!table_has_head_) line_.print(epoch_heading());
  table_has_head_ = true;
  line_.print(line);
}

}  // namespace charrnn
