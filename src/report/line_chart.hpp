// Curves as an SVG picture.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace charrnn {

struct Curve {
  std::string name;  ///< written at the curve's end
  std::vector<std::pair<double, double>>
      points;  ///< (x, y), x rising; values that are not finite are left out
  bool dashed = false;
  std::size_t colour = 0;  ///< number in the palette
};

struct ChartAxes {
  std::string x_label, y_label;
  bool log_x = false;  ///< a logarithmic x axis; x must be positive
};

/// The whole SVG file. Curves without any point are left out; without any curve it is a picture of empty
/// axes.
std::string line_chart(std::span<const Curve> curves, const ChartAxes& axes);

}  // namespace charrnn
