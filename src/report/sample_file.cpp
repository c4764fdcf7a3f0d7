#include "report/sample_file.hpp"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>

#include "base/atomic_file.hpp"

namespace charrnn {

namespace {

constexpr std::string_view kHeading = "--- step ";

/// The step of a line that begins a sample, else -1.
std::int64_t step_of(std::string_view line) {
  std::int64_t step = -1;
  if (!line.starts_with(kHeading)) return step;
  const std::string_view number = line.substr(kHeading.size());
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), step);
  return error == std::errc() && end == number.data() + number.size() ? step : -1;
}

}  // namespace

void SampleFile::rewind(std::int64_t step) {
  std::ifstream before(path_, std::ios::binary);
  if (!before) return;
  std::string kept;
  bool keeps = step > 0;
  for (std::string line; std::getline(before, line);) {
    if (step_of(line) > step) keeps = false;
    if (keeps) kept += line + "\n";
  }
  replace_file(path_, kept);
}

void SampleFile::on_sample(std::int64_t step, const std::string& text) {
  std::ofstream(path_, std::ios::app | std::ios::binary) << fmt::format("{}{}\n{}\n", kHeading, step, text);
}

}  // namespace charrnn
