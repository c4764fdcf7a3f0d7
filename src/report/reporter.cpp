#include "report/reporter.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <numeric>
#include <vector>

#include "base/error.hpp"
#include "report/terminal.hpp"
#include "report/text.hpp"

namespace charrnn {

Reporter::Reporter(const std::filesystem::path& folder, int rank, const RunLength& length)
    : folder_(folder), screen_(rank == 0), redraws_(screen_ && output_is_terminal()), length_(length) {
  const std::filesystem::path file = folder / fmt::format("log.rank{}.txt", rank);
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string());
    log_ = std::make_shared<spdlog::logger>("charrnn", std::move(sink));
  } catch (const spdlog::spdlog_ex& error) {
    throw DataError(
        fmt::format("cannot write '{}': {}; the run's folder must be one that every rank can reach",
                    file.string(), error.what()));
  }
  log_->set_pattern("%Y-%m-%d %H:%M:%S.%e %L %v");
  log_->flush_on(spdlog::level::info);
  if (screen_) metrics_ = std::make_unique<MetricsFile>(folder / "metrics.jsonl", length.first_step);
}

Reporter::~Reporter() {
  clear_line();
}

void Reporter::info(const std::string& line) {
  log_->info(line);
  print(line);
}

void Reporter::warn(const std::string& line) {
  log_->warn(line);
  print("warning: " + line);
}

void Reporter::log(const std::string& line) {
  log_->info(line);
}

void Reporter::progress(std::int64_t step, double smoothed_loss, double characters_per_second) {
  using namespace std::chrono_literals;
  if (!redraws_) return;
  const auto now = Clock::now();
  if (line_is_drawn_ && now - last_drawn_ < 200ms) return;
  last_drawn_ = now;
  line_is_drawn_ = true;
  const std::int64_t in_epoch = (step - 1) % length_.steps_per_epoch + 1;
  const double part = static_cast<double>(in_epoch) / static_cast<double>(length_.steps_per_epoch);
  constexpr int kBar = 20;
  const std::string bar(static_cast<std::size_t>(part * kBar), '#');
  const Clock::duration elapsed = now - started_;
  const double to_go = std::chrono::duration<double>(elapsed).count() *
                       static_cast<double>(length_.last_step - step) /
                       static_cast<double>(step - length_.first_step);
  const std::string line =
      fmt::format("epoch {}/{} [{:<{}}] {:3.0f} %  loss {:.4f} ({:.3f} bpc)  {} char/s  ETA {}",
                  (step - 1) / length_.steps_per_epoch + 1, length_.epochs, bar, kBar, 100 * part,
                  smoothed_loss, bits(smoothed_loss), rate_text(characters_per_second), duration_text(to_go));
  const auto width = static_cast<std::size_t>(std::max(20, terminal_width() - 1));
  std::fputs(fmt::format("\r\x1b[K{}", one_line(line, width)).c_str(), stdout);
  std::fflush(stdout);
}

void Reporter::step(const StepReport& report) {
  if (metrics_) metrics_->write(report);
  log_->info("step {} loss {:.6f} lr {:.3g} gradient norm {:.4g} {} char/s", report.step, report.loss,
             report.learning_rate, report.gradient_norm, rate_text(report.characters_per_second));
}

void Reporter::epoch(const EpochReport& report, bool is_best) {
  if (metrics_) metrics_->write(report);
  if (!table_has_head_)
    print("epoch     step  train loss  val loss  val bpc  learning rate   char/s  seconds");
  table_has_head_ = true;
  const std::string validation =
      report.val_loss ? fmt::format("{:8.4f} {:8.3f}", *report.val_loss, bits(*report.val_loss))
                      : "       -        -";
  info(fmt::format("{:5} {:8}  {:10.4f}  {}  {:13.4g} {:>8} {:8.1f}{}", report.epoch, report.step,
                   report.train_loss, validation, report.learning_rate,
                   rate_text(report.characters_per_second), report.seconds, is_best ? "  best" : ""));
}

namespace {

/// "forward 31 %, backward 60 %, …", largest first, what is less than half a percent left out.
std::string phases_text(const PhaseReport& report) {
  const double all = std::accumulate(report.seconds.begin(), report.seconds.end(), 0.0);
  std::vector<std::size_t> order(report.seconds.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, std::greater(), [&](std::size_t i) { return report.seconds[i]; });
  std::string text;
  for (const std::size_t i : order) {
    constexpr double kWorthTelling = 0.5;
    const double percent = 100 * report.seconds[i] / all;
    if (percent < kWorthTelling) break;
    text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", kPhaseNames[i], percent);
  }
  if (report.mfu) text += fmt::format("; training at {:.0f} % of the measured peak", 100 * *report.mfu);
  return text;
}

}  // namespace

void Reporter::phases(const PhaseReport& report) {
  if (metrics_) metrics_->write(report);
  log_->info("time: {}", phases_text(report));
}

void Reporter::phase_summary(const PhaseReport& report) {
  info("time        " + phases_text(report));
}

void Reporter::validation(std::int64_t step, double val_loss) {
  if (metrics_) metrics_->write_validation(step, val_loss);
  info(fmt::format("      {:8}              {:8.4f} {:8.3f}", step, val_loss, bits(val_loss)));
}

void Reporter::sample(std::int64_t step, const std::string& text) {
  if (!screen_) return;
  std::ofstream(folder_ / "samples.txt", std::ios::app | std::ios::binary)
      << fmt::format("--- step {}\n{}\n", step, text);
  const auto width = static_cast<std::size_t>(std::max(20, terminal_width() - 7));
  if (redraws_) print(fmt::format("      \x1b[2m{}\x1b[0m", one_line(text, width)));
}

void Reporter::clear_line() {
  if (!line_is_drawn_) return;
  std::fputs("\r\x1b[K", stdout);
  std::fflush(stdout);
  line_is_drawn_ = false;
}

void Reporter::print(const std::string& line) {
  if (!screen_) return;
  clear_line();
  std::puts(line.c_str());
  std::fflush(stdout);
}

}  // namespace charrnn
