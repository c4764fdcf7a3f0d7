#include "serve/run_catalog.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "checkpoint/safetensors.hpp"
#include "serve/watched_file.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

bool is_run(const fs::path& path) {
  std::error_code error;
  if (is_safetensors(path)) return fs::symlink_status(path, error).type() == fs::file_type::regular;
  return fs::is_regular_file(path / "metrics.jsonl", error) || fs::is_regular_file(path / "config.toml", error);
}

bool is_checkpoint_name(const std::string& name) {
  return name.ends_with(".h5") && name.find('/') == std::string::npos && !name.starts_with('.') && is_utf8(name);
}

std::string target_of(const fs::path& link) {
  std::error_code error;
  return fs::read_symlink(link, error).filename().string();
}

}  // namespace

RunCatalog::RunCatalog(const std::vector<fs::path>& paths) {
  for (const fs::path& path : paths) {
    fs::path whole = fs::weakly_canonical(path);
    if (!whole.has_filename()) whole = whole.parent_path();
    if (is_run(whole)) {
      roots_.push_back({whole.parent_path(), whole.filename().string()});
    } else {
      roots_.push_back({std::move(whole), ""});
    }
  }
}

std::map<std::string, fs::path> RunCatalog::places() const {
  std::map<std::string, fs::path> places;
  for (const Root& root : roots_) {
    std::error_code error;
    for (fs::directory_iterator entry(root.folder, error), end; !error && entry != end; entry.increment(error)) {
      const fs::path& path = entry->path();
      const std::string name = path.filename().string();
      if ((!root.only.empty() && name != root.only) || !is_utf8(name) || !is_run(path)) continue;
      const auto [known, is_new] = places.emplace(name, path);
      const std::string other = fmt::format("{} ({})", name, root.folder.filename().string());
      if (!is_new && known->second != path && is_utf8(other)) places.emplace(other, path);
    }
  }
  constexpr std::size_t kMost = 1000;
  while (places.size() > kMost) places.erase(std::prev(places.end()));
  return places;
}

std::vector<NamedRun> RunCatalog::list(double now) {
  std::vector<NamedRun> runs;
  for (const auto& [name, path] : places()) {
    runs.push_back({name, summary(path, now), checkpoints_of(path).size()});
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(known_, [](const auto& known) { return !is_run(known.first); });
  return runs;
}

std::optional<fs::path> RunCatalog::find(const std::string& name) const {
  const auto all = places();
  const auto found = all.find(name);
  return found != all.end() ? std::optional(found->second) : std::nullopt;
}

RunSummary RunCatalog::summary(const fs::path& run, double now) {
  std::shared_ptr<Known> known;
  {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Known>& entry = known_[run];
    if (entry == nullptr) entry = std::make_shared<Known>(run);
    known = entry;
  }
  const std::lock_guard lock(known->mutex);
  if (!is_safetensors(run)) return known->run.update(now);
  const auto file = WatchedFile::open(run);
  const FileState state = file ? file->state() : FileState();
  if (known->file != state) known->model = summarize_model(run);
  known->file = state;
  return known->model;
}

std::vector<CheckpointEntry> checkpoints_of(const fs::path& run) {
  const auto describe = [](const fs::path& path, const WatchedFile& file) {
    return CheckpointEntry{
        .name = path.filename().string(), .bytes = file.state().size, .modified = file.state().time()};
  };
  std::vector<CheckpointEntry> found;
  if (is_safetensors(run)) {
    if (const auto file = WatchedFile::open(run)) {
      found.push_back(describe(run, *file));
      found.back().is_best = found.back().is_latest = true;
    }
    return found;
  }
  constexpr std::size_t kMost = 1000;
  const fs::path folder = run / "checkpoints";
  const std::string best = target_of(folder / "best"), latest = target_of(folder / "latest");
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end && found.size() < kMost;
       entry.increment(error)) {
    if (!is_checkpoint_name(entry->path().filename().string())) continue;
    const auto file = WatchedFile::open(entry->path());
    if (!file) continue;
    CheckpointEntry& checkpoint = found.emplace_back(describe(entry->path(), *file));
    checkpoint.is_best = checkpoint.name == best;
    checkpoint.is_latest = checkpoint.name == latest;
  }
  std::ranges::sort(found, {}, [](const CheckpointEntry& entry) { return std::pair(-entry.modified, entry.name); });
  return found;
}

std::optional<fs::path> find_checkpoint(const fs::path& run, const std::string& name) {
  for (const CheckpointEntry& entry : checkpoints_of(run)) {
    if (entry.name == name || (name == "best" && entry.is_best) || (name == "latest" && entry.is_latest)) {
      return is_safetensors(run) ? run : run / "checkpoints" / entry.name;
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
