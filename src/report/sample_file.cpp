#include "report/sample_file.hpp"

#include <fmt/format.h>

#include <fstream>
#include <string_view>

#include "base/atomic_file.hpp"
#include "base/text.hpp"

namespace charrnn {

namespace {

constexpr std::string_view kHeading = "--- step ";

/// The step of a line that begins a sample, else -1.
std::int64_t step_of(std::string_view line) {
  if (!line.starts_with(kHeading)) return -1;
  return number_in<std::int64_t>(line.substr(kHeading.size())).value_or(-1);
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
