#include "report/result_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "base/text.hpp"

namespace charrnn {

std::string epoch_heading() {
  return "epoch     step  train loss  val loss  val bpc  learning rate   char/s  seconds";
}

std::string epoch_line(const EpochReport& report) {
  const std::string validation =
      report.val_loss ? fmt::format("{:8.4f} {:8.3f}", *report.val_loss, bits(*report.val_loss))
                      : "       -        -";
  return fmt::format("{:5} {:8}  {:10.4f}  {}  {:13.4g} {:>8} {:8.1f}{}", report.epoch, report.step,
                     report.train_loss, validation, report.learning_rate,
                     rate_text(report.characters_per_second), report.seconds, report.is_best ? "  best" : "");
}

std::string validation_line(const ValidationReport& report) {
  return fmt::format("      {:8}              {:8.4f} {:8.3f}{}", report.step, report.val_loss,
                     bits(report.val_loss), report.is_best ? "  best" : "");
}

std::string phases_line(const PhaseReport& report) {
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

}  // namespace charrnn
