#include "report/sample_file.hpp"

#include <fmt/format.h>

#include <string_view>

#include "base/text.hpp"
#include "report/kept_lines.hpp"

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
  bool keeps = step > 0;
  keep_lines(path_, [&](const std::string& line) {
    if (step_of(line) > step) keeps = false;
    return keeps;
  });
}

void SampleFile::on_sample(std::int64_t step, const std::string& text) {
  if (!file_) file_.emplace(path_);
  // Where the disk is full it is left out.
  file_->append(fmt::format("{}{}\n{}\n", kHeading, step, text));
}

}  // namespace charrnn
