#include "report/line_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace charrnn {

namespace {

constexpr std::array<const char*, 5> kColours = {"#1b6ca8", "#c8553d", "#3a7d44", "#7b4fa3", "#b08900"};
constexpr double kWidth = 720, kHeight = 360, kLeft = 62, kRight = 170, kTop = 20, kBottom = 46;

/// One axis: from values to places on the picture.
class Axis {
 public:
  Axis(double low, double high, double from, double to, bool logarithmic)
      : log_(logarithmic), low_(scaled(low)), high_(scaled(high)), from_(from), to_(to) {
    if (!(high_ > low_)) {
      low_ -= 0.5;
      high_ += 0.5;
    }
  }

  double place(double value) const { return from_ + (to_ - from_) * (scaled(value) - low_) / (high_ - low_); }

  /// Round values inside the axis: powers of ten on a logarithmic one, else about six steps of 1, 2 or 5.
  std::vector<double> ticks() const {
    std::vector<double> values;
    const double span = high_ - low_;
    double step = log_ ? 1 : std::pow(10, std::floor(std::log10(span / 6)));
    for (const double factor : {2.0, 2.5, 2.0}) {
      if (!log_ && span / step > 7) step *= factor;
    }
    constexpr double kRounding = 1e-9;
    for (double at = std::ceil(low_ / step - kRounding); at * step <= high_ + kRounding * span; ++at) {
      values.push_back(log_ ? std::pow(10, at * step) : at * step);
    }
    return values;
  }

 private:
  double scaled(double value) const { return log_ ? std::log10(value) : value; }

  bool log_;
  double low_, high_, from_, to_;
};

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&') {
      safe += "&amp;";
    } else if (c == '<') {
      safe += "&lt;";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string text_at(double x, double y, const std::string& text, const char* anchor,
                    const std::string& more = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y, anchor, more,
                     escaped(text));
}

/// Places for labels so that none covers another: pushed down where they are too close.
std::vector<double> spread(const std::vector<double>& wanted) {
  constexpr double kLine = 14;
  std::vector<std::size_t> order(wanted.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return wanted[a] < wanted[b]; });
  std::vector<double> places = wanted;
  for (std::size_t i = 1; i < order.size(); ++i) {
    places[order[i]] = std::max(places[order[i]], places[order[i - 1]] + kLine);
  }
  return places;
}

}  // namespace

std::string line_chart(std::span<const Curve> curves, const ChartAxes& axes) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  double x_low = kInfinity, x_high = -kInfinity, y_low = kInfinity, y_high = -kInfinity;
  std::vector<Curve> drawn;
  for (Curve curve : curves) {
    std::erase_if(curve.points, [](const auto& point) { return !std::isfinite(point.first + point.second); });
    for (const auto& [x, y] : curve.points) {
      x_low = std::min(x_low, x);
      x_high = std::max(x_high, x);
      y_low = std::min(y_low, y);
      y_high = std::max(y_high, y);
    }
    if (!curve.points.empty()) drawn.push_back(std::move(curve));
  }
  if (drawn.empty()) {
    x_low = y_low = 1;
    x_high = y_high = 10;
  }
  const Axis x_axis(x_low, x_high, kLeft, kWidth - kRight, axes.log_x);
  const Axis y_axis(y_low, y_high, kHeight - kBottom, kTop, false);

  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      kWidth, kHeight);
  for (const double tick : y_axis.ticks()) {
    const double y = y_axis.place(tick);
    svg += fmt::format("<path d=\"M{} {:.1f}H{}\" stroke=\"#ddd\"/>\n", kLeft, y, kWidth - kRight);
    svg += text_at(kLeft - 8, y + 4, fmt::format("{:.4g}", tick), "end");
  }
  for (const double tick : x_axis.ticks()) {
    svg += text_at(x_axis.place(tick), kHeight - kBottom + 18, fmt::format("{:.4g}", tick), "middle");
  }
  svg += text_at((kLeft + kWidth - kRight) / 2, kHeight - 8, axes.x_label, "middle");
  svg += text_at(0, 0, axes.y_label, "middle",
                 fmt::format(" transform=\"translate(14 {}) rotate(-90)\"", (kTop + kHeight - kBottom) / 2));

  std::vector<double> ends;
  for (const Curve& curve : drawn) ends.push_back(y_axis.place(curve.points.back().second));
  const std::vector<double> labels = spread(ends);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const Curve& curve = drawn[i];
    const char* colour = kColours[curve.colour % kColours.size()];
    svg += "<polyline points=\"";
    for (const auto& [x, y] : curve.points)
      svg += fmt::format("{:.1f},{:.1f} ", x_axis.place(x), y_axis.place(y));
    svg.back() = '"';
    svg += fmt::format(" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n", colour,
                       curve.dashed ? " stroke-dasharray=\"5 4\" opacity=\"0.7\"" : "");
    svg += text_at(x_axis.place(curve.points.back().first) + 8, labels[i] + 4,
                   fmt::format("{} {:.4f}", curve.name, curve.points.back().second), "start",
                   fmt::format(" fill=\"{}\"", colour));
  }
  return svg + "</svg>\n";
}

}  // namespace charrnn
