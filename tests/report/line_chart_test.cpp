#include "report/line_chart.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace charrnn {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Of the first curve.
std::string points_of(const std::string& svg) {
  const std::string before = "polyline points=\"";
  const std::size_t at = svg.find(before);
  if (at == std::string::npos) return "";
  const std::size_t first = at + before.size();
  return svg.substr(first, svg.find('"', first) - first);
}

TEST(LineChart, EndsOfTheAxes) {
  // The plot reaches from (62, 314) to (550, 20).
  const Curve curve{"loss", {{1, 2.0}, {3, 1.0}}};
  EXPECT_EQ(points_of(line_chart(std::vector{curve}, {"epochs", "nats"})), "62.0,20.0 550.0,314.0");
}

TEST(LineChart, LogarithmicAxis) {
  const Curve curve{"loss", {{1e-4, 2.0}, {1e-2, 1.5}, {1, 1.0}}};
  const std::string svg = line_chart(std::vector{curve}, {"rate", "nats", true});
  EXPECT_EQ(points_of(svg), "62.0,20.0 306.0,167.0 550.0,314.0");
  EXPECT_THAT(svg, HasSubstr(">0.001<"));
}

TEST(LineChart, LeavesOutWhatIsNotFinite) {
  const Curve curve{"loss", {{1, 2.0}, {2, NAN}, {3, 1.0}}}, none{"absent", {{1, NAN}}};
  const std::string svg = line_chart(std::vector{curve, none}, {"x", "y"});
  EXPECT_EQ(points_of(svg), "62.0,20.0 550.0,314.0");
  EXPECT_THAT(svg, Not(HasSubstr("absent")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LineChart, NothingToDraw) {
  const std::string svg = line_chart({}, {"x", "y"});
  EXPECT_THAT(svg, HasSubstr("</svg>"));
  EXPECT_THAT(svg, Not(HasSubstr("polyline")));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(LineChart, OnePoint) {
  const std::string svg = line_chart(std::vector{Curve{"a < b & c", {{1, 2.0}}}}, {"x", "y"});
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; c 2.0000"));
}

TEST(LineChart, LabelsDoNotCoverEachOther) {
  const Curve a{"a", {{1, 2.0}, {2, 1.0}}}, b{"b", {{1, 1.5}, {2, 1.0}}};
  const std::string svg = line_chart(std::vector{a, b}, {"x", "y"});
  EXPECT_THAT(svg, HasSubstr("y=\"318.0\" text-anchor=\"start\" fill=\"#1b6ca8\">a"));
  EXPECT_THAT(svg, HasSubstr("y=\"332.0\" text-anchor=\"start\" fill=\"#1b6ca8\">b"));
}

}  // namespace
}  // namespace charrnn
