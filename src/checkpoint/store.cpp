#include "checkpoint/store.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/error.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStepFilesKept = 2;

/// The step of a good checkpoint, else -1.
std::int64_t step_of(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return -1;
  try {
    return read_checkpoint(file).step;
  } catch (const DataError&) {
    return -1;
  }
}

/// N of "step_N.h5", or -1.
std::int64_t step_number(const fs::path& file) {
  const std::string name = file.filename().string();
  std::int64_t number = -1;
  if (!name.starts_with("step_")) return -1;
  const char* first = name.data() + 5;
  const auto [end, error] = std::from_chars(first, name.data() + name.size(), number);
  return error == std::errc() && std::string_view(end) == ".h5" ? number : -1;
}

}  // namespace

fs::path CheckpointStore::save(const Checkpoint& checkpoint, bool ends_cycle, bool is_best,
                               const std::function<void()>& before_rename) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  require(!error, "cannot make the folder '{}': {}", folder_.string(), error.message());
  fs::path path = folder_ / (ends_cycle ? fmt::format("cycle_{}.h5", checkpoint.cycle)
                                        : fmt::format("step_{}.h5", checkpoint.step));
  if (ends_cycle) keep_earlier_end(path, checkpoint.step);
  write_checkpoint(path, checkpoint, before_rename);
  point("latest", path);
  if (is_best) point("best", path);
  retire_old_steps();
  return path;
}

void CheckpointStore::keep_earlier_end(const fs::path& cycle, std::int64_t step) const {
  const std::int64_t earlier = step_of(cycle);
  if (earlier < 0 || earlier == step) return;
  const fs::path kept = folder_ / fmt::format("step_{}.h5", earlier);
  std::error_code error;
  fs::create_hard_link(cycle, kept, error);  // so that it is there all the time
  const bool is_kept = !error || error == std::errc::file_exists;
  if (is_kept && fs::read_symlink(folder_ / "best", error) == cycle.filename()) point("best", kept);
}

std::optional<fs::path> CheckpointStore::set_aside_after(std::int64_t step) const {
  std::vector<fs::path> later = files();
  std::erase_if(later, [&](const fs::path& file) { return step_of(file) <= step; });
  if (later.empty()) return std::nullopt;
  fs::path aside;
  for (int number = 1; fs::exists(aside = folder_ / fmt::format("abandoned_{}", number)); ++number) continue;
  std::error_code error;
  fs::create_directory(aside, error);
  for (const fs::path& file : later) {
    if (!error) fs::rename(file, aside / file.filename(), error);
  }
  require(!error, "cannot move later checkpoints to '{}': {}", aside.string(), error.message());
  for (const char* link : {"latest", "best"}) {
    if (!fs::exists(folder_ / link, error)) fs::remove(folder_ / link, error);
  }
  return aside;
}

std::optional<fs::path> CheckpointStore::newest_good(const Warn& warn) const {
  std::optional<fs::path> newest;
  std::int64_t newest_step = -1;
  for (const fs::path& file : files()) {
    try {
      const std::int64_t step = read_checkpoint(file).step;
      if (step > newest_step) {
        newest_step = step;
        newest = file;
      }
    } catch (const DataError& error) {
      warn(error.what());
    }
  }
  return newest;
}

bool CheckpointStore::has(const fs::path& file) const {
  std::error_code error;
  return fs::equivalent(fs::absolute(file).parent_path(), folder_, error);
}

void CheckpointStore::adopt(const fs::path& file, std::int64_t step) const {
  const fs::path path = folder_ / fmt::format("step_{}.h5", step);
  const fs::path temporary = folder_ / fmt::format(".step_{}.h5.tmp-copy", step);
  std::error_code error;
  fs::create_directories(folder_, error);
  if (!error) fs::copy_file(file, temporary, fs::copy_options::overwrite_existing, error);
  if (!error) fs::rename(temporary, path, error);
  require(!error, "cannot copy '{}' to '{}': {}", file.string(), path.string(), error.message());
  point("latest", path);
}

bool CheckpointStore::any() const {
  return !files().empty();
}

void CheckpointStore::sweep() const {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(".") && name.find(".tmp-") != std::string::npos) fs::remove(entry.path(), error);
  }
}

std::vector<fs::path> CheckpointStore::files() const {
  std::vector<fs::path> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_, error)) {
    const fs::path& path = entry.path();
    if (path.extension() == ".h5" && !path.filename().string().starts_with(".")) found.push_back(path);
  }
  std::sort(found.begin(), found.end());
  return found;
}

void CheckpointStore::point(const char* link, const fs::path& file) const {
  // A link can't be changed, but a new one can take the old one's name in one step.
  const fs::path temporary = folder_ / fmt::format(".{}.tmp-link", link);
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_symlink(file.filename(), temporary, error);
  if (!error) fs::rename(temporary, folder_ / link, error);
  require(!error, "cannot point '{}' at '{}': {}", (folder_ / link).string(), file.string(), error.message());
}

void CheckpointStore::retire_old_steps() const {
  std::error_code error;
  const fs::path latest = fs::read_symlink(folder_ / "latest", error);
  const fs::path best = fs::read_symlink(folder_ / "best", error);
  std::vector<fs::path> steps = files();
  std::erase_if(steps, [](const fs::path& file) { return step_number(file) < 0; });
  std::sort(steps.begin(), steps.end(),
            [](const auto& a, const auto& b) { return step_number(a) > step_number(b); });
  for (std::size_t i = kStepFilesKept; i < steps.size(); ++i) {
    const fs::path name = steps[i].filename();
    if (name != latest && name != best) fs::remove(steps[i], error);
  }
}

fs::path resolve_checkpoint(const fs::path& path, const Warn& warn) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    require(fs::exists(path, error), "there is no checkpoint '{}'", path.string());
    return path;
  }
  const fs::path folder = path.filename() == "checkpoints" ? path : path / "checkpoints";
  const std::optional<fs::path> newest = CheckpointStore(folder).newest_good(warn);
  require(newest.has_value(), "the folder '{}' has no good checkpoint", path.string());
  return *newest;
}

}  // namespace charrnn
