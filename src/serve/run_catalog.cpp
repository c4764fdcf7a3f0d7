#include "serve/run_catalog.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>

#include "base/error.hpp"
#include "base/first_line.hpp"
#include "base/text.hpp"
#include "base/utf8.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

bool is_run(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "metrics.jsonl", error) || fs::is_regular_file(folder / "config.toml", error);
}

bool is_checkpoint_name(const std::string& name) {
  return name.ends_with(".h5") && name.find('/') == std::string::npos && !name.starts_with('.') && is_utf8(name);
}

std::string target_of(const fs::path& link) {
  std::error_code error;
  return fs::read_symlink(link, error).filename().string();
}

}  // namespace

RunCatalog::RunCatalog(const fs::path& root) {
  const fs::path folder = fs::absolute(root).lexically_normal();
  root_ = folder.has_filename() ? folder : folder.parent_path();
  if (!is_run(root_)) return;
  only_ = root_.filename().string();
  root_ = root_.parent_path();
}

std::vector<NamedRun> RunCatalog::list(double now) {
  constexpr std::size_t kMost = 1000;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(root_, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if ((only_.empty() || name == only_) && is_utf8(name) && is_run(entry->path())) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  names.resize(std::min(names.size(), kMost));
  std::vector<NamedRun> runs;
  for (std::string& name : names) {
    RunSummary run = summary(root_ / name, now);
    const std::size_t checkpoints = checkpoints_of(root_ / name).size();
    runs.push_back({std::move(name), std::move(run), checkpoints});
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [](const auto& known) { return !is_run(known.first); });
  return runs;
}

std::optional<fs::path> RunCatalog::find(const std::string& name) const {
  const bool is_plain = !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos &&
                        name.find('\0') == std::string::npos;
  if (!is_plain || (!only_.empty() && name != only_) || !is_run(root_ / name)) return std::nullopt;
  return root_ / name;
}

RunSummary RunCatalog::summary(const fs::path& folder, double now) {
  const auto file = WatchedFile::open(folder / "metrics.jsonl");
  const FileState state = file ? file->state() : FileState();
  std::optional<std::string> attempt;
  try {
    attempt = first_line(folder / "attempt");
  } catch (const Error&) {
    // As if there were none.
  }
  constexpr double kStale = 5;  // a process may end without touching a file
  {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(folder);
    if (known != known_.end() && known->second.metrics == state && known->second.attempt == attempt &&
        now - known->second.time < kStale) {
      return known->second.summary;
    }
  }
  RunSummary summary = summarize_run(folder, now);
  const std::lock_guard lock(mutex_);
  known_.insert_or_assign(folder, Known{state, std::move(attempt), now, summary});
  return summary;
}

std::vector<CheckpointEntry> checkpoints_of(const fs::path& run_folder) {
  constexpr std::size_t kMost = 1000;
  const fs::path folder = run_folder / "checkpoints";
  const std::string best = target_of(folder / "best"), latest = target_of(folder / "latest");
  std::vector<CheckpointEntry> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end && found.size() < kMost;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!is_checkpoint_name(name)) continue;
    const auto file = WatchedFile::open(entry->path());
    if (!file) continue;
    found.push_back(
        {name, file->state().size, static_cast<double>(file->state().modified) * 1e-9, name == best, name == latest});
  }
  std::ranges::sort(found, {}, [](const CheckpointEntry& entry) { return std::pair(-entry.modified, entry.name); });
  return found;
}

std::optional<fs::path> find_checkpoint(const fs::path& run_folder, const std::string& name) {
  for (const CheckpointEntry& entry : checkpoints_of(run_folder)) {
    if (entry.name == name || (name == "best" && entry.is_best) || (name == "latest" && entry.is_latest)) {
      return run_folder / "checkpoints" / entry.name;
    }
  }
  return std::nullopt;
}

std::vector<RunSample> samples_of(const fs::path& run_folder) {
  constexpr std::int64_t kBytes = 256 << 10;
  constexpr std::size_t kMost = 100;
  constexpr std::string_view kHeading = "--- step ";
  std::vector<RunSample> samples;
  const std::string text = end_of_file(run_folder / "samples.txt", kBytes);
  for (const std::string& line : split(text, '\n')) {
    const auto step = line.starts_with(kHeading)
                          ? number_in<std::int64_t>(std::string_view(line).substr(kHeading.size()))
                          : std::nullopt;
    if (step) {
      samples.push_back({*step, ""});
    } else if (!samples.empty()) {
      samples.back().text += line + '\n';
    }
  }
  if (samples.size() > kMost) samples.erase(samples.begin(), samples.end() - static_cast<std::ptrdiff_t>(kMost));
  for (RunSample& sample : samples) {
    while (sample.text.ends_with('\n')) sample.text.pop_back();
  }
  return samples;
}

}  // namespace charrnn
