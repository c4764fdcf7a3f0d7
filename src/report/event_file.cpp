#include "report/event_file.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <system_error>

#include "base/error.hpp"
#include "base/host.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"
#include "base/wall_clock.hpp"

namespace charrnn {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "events.out.tfevents.";

/// TensorBoard reads files in the order of their names: later than all that are there, whatever the clock says.
std::int64_t time_of_name(const fs::path& folder) {
  std::int64_t time = std::time(nullptr);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const std::string digits = name.substr(kPrefix.size(), name.find('.', kPrefix.size()) - kPrefix.size());
    time = std::max(time, number_in<std::int64_t>(digits).value_or(0) + 1);
  }
  return time;
}

/// As a block of code, so that Markdown leaves it as it is.
std::string quoted(const std::string& text) {
  std::string without_tabs;
  for (const char c : text) without_tabs += c == '\t' ? std::string(4, ' ') : std::string(1, c);
  std::string block;
  for (const std::string& line : split(without_tabs, '\n')) block += "    " + without_controls(line) + '\n';
  return block;
}

}  // namespace

void EventFile::on_start(const RunFacts& facts) {
  try {
    fs::create_directory(folder_);
    file_.emplace(folder_ / fmt::format("{}{}.{}.{}", kPrefix, time_of_name(folder_), host_name(), ::getpid()), warn_);
  } catch (const std::exception& error) {
    warn_(fmt::format("no event file for TensorBoard: {}", error.what()));
    return;
  }
  write(version_record(seconds_since_1970()));
  const bool is_new = facts.first_step == 0;
  write(restart_record(seconds_since_1970(), is_new ? 0 : facts.first_step + 1));
  write_text(facts.first_step, "config", facts.config_text);
}

void EventFile::on_step(const StepReport& report) {
  write_scalars(report.step, {{"loss/train", report.loss},
                              {"bits_per_character/train", bits(report.loss)},
                              {"learning_rate", report.learning_rate},
                              {"gradient_norm", report.gradient_norm},
                              {"characters_per_second", report.characters_per_second}});
  if (report.noise_scale) write_scalars(report.step, {{"noise_scale", *report.noise_scale}});
}

void EventFile::on_validation(const ValidationReport& report) {
  write_validation(report.step, report.val_loss, report.is_final ? "exact_validation" : "validation");
}

void EventFile::on_epoch(const EpochReport& report) {
  if (report.val_loss) write_validation(report.step, *report.val_loss, "validation");
}

void EventFile::on_sample(std::int64_t step, const std::string& text) {
  write_text(step, "sample", text);
}

void EventFile::on_end(const EndReport& /*report*/) {
  if (file_) file_->append("", PatientFile::kLast);
}

void EventFile::write(const std::string& record) {
  if (file_) file_->append(record);
}

void EventFile::write_scalars(std::int64_t step, std::initializer_list<Scalar> scalars) {
  write(scalars_record(seconds_since_1970(), step, {scalars.begin(), scalars.size()}));
}

void EventFile::write_validation(std::int64_t step, double loss, const std::string& name) {
  write_scalars(step, {{"loss/" + name, loss}, {"bits_per_character/" + name, bits(loss)}});
}

void EventFile::write_text(std::int64_t step, std::string_view tag, const std::string& text) {
  write(text_record(seconds_since_1970(), step, tag, quoted(text)));
}

}  // namespace charrnn
