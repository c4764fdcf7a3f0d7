#include "checkpoint/store.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string_view>
#include <utility>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "checkpoint/safetensors.hpp"

namespace charrnn {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kStepFilesKept = 2;

/// The step that a checkpoint's header says it is of, -1 if it cannot be read.
std::int64_t step_of(const fs::path& file) {
  std::error_code error;
  if (!fs::exists(file, error)) return -1;
  try {
    return read_header(file).step;
  } catch (const DataError&) {
    return -1;
  }
}

/// N of "step_N.h5", or -1.
std::int64_t step_number(const fs::path& file) {
  const std::string name = file.stem().string();
  if (!name.starts_with("step_") || file.extension() != ".h5") return -1;
  return number_in<std::int64_t>(std::string_view(name).substr(5)).value_or(-1);
}

void copy_atomically(const fs::path& from, const fs::path& to) {
  std::ifstream source(from, std::ios::binary);
  AtomicFile copy(to);
  std::vector<char> piece(std::size_t{1} << 20);
  while (source) {
    source.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    copy.write({piece.data(), static_cast<std::size_t>(source.gcount())});
  }
  require(source.eof(), "cannot read the checkpoint '{}' to its end", from.string());
  copy.commit();
}

}  // namespace

fs::path CheckpointStore::save(const Checkpoint& checkpoint, bool ends_cycle, bool is_best,
                               const std::function<void()>& before_rename) const {
  make_folder();
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
  std::error_code error;
  for (int number = 1; fs::exists(aside = folder_ / fmt::format("abandoned_{}", number), error); ++number) continue;
  fs::create_directory(aside, error);
  for (const fs::path& file : later) {
    if (!error) fs::rename(file, aside / file.filename(), error);
  }
  if (error) {
    throw WriteError(fmt::format("cannot move later checkpoints to '{}': {}", aside.string(), error.message()),
                     error.value());
  }
  for (const char* link : {"latest", "best"}) {
    if (!fs::exists(folder_ / link, error)) fs::remove(folder_ / link, error);
  }
  return aside;
}

std::optional<fs::path> CheckpointStore::newest_good(const Warn& warn) const {
  std::vector<std::pair<std::int64_t, fs::path>> found;
  for (const fs::path& file : files()) {
    try {
      found.emplace_back(read_header(file).step, file);
    } catch (const DataError& error) {
      warn(error.what());
    }
  }
  std::ranges::stable_sort(found, std::greater(), &std::pair<std::int64_t, fs::path>::first);
  for (const auto& [step, file] : found) {
    try {
      check_digest(file);
      return file;
    } catch (const DataError& error) {
      warn(error.what());
    }
  }
  return std::nullopt;
}

fs::path CheckpointStore::best() const {
  const fs::path link = folder_ / "best";
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  if (!error) return folder_ / target.filename();
  return fs::exists(link, error) ? link : fs::path();
}

std::optional<fs::path> CheckpointStore::best_good(const Warn& warn) const {
  while (true) {
    const fs::path file = best();
    if (file.empty()) {
      warn(fmt::format("'{}' has no best checkpoint: there was no validation yet, or none better than a uniform guess",
                       folder_.string()));
      return std::nullopt;
    }
    try {
      check_digest(file);
      return file;
    } catch (const DataError& error) {
      if (best() != file) continue;  // the run goes on, and has a better one
      warn(error.what());
      return std::nullopt;
    }
  }
}

void CheckpointStore::restore_best(std::int64_t step) const {
  if (step_of(best()) == step) return;
  const std::vector<fs::path> all = files();
  const auto file = std::ranges::find(all, step, step_of);
  if (file != all.end()) point("best", *file);
}

bool CheckpointStore::has(const fs::path& file) const {
  std::error_code error;
  return fs::equivalent(fs::absolute(file).parent_path(), folder_, error);
}

void CheckpointStore::adopt(const fs::path& file, std::int64_t step) const {
  make_folder();
  const fs::path path = folder_ / fmt::format("step_{}.h5", step);
  copy_atomically(file, path);
  point("latest", path);
}

bool CheckpointStore::any() const {
  return !files().empty();
}

void CheckpointStore::sweep() const {
  sweep_temporaries(folder_);
}

void CheckpointStore::make_folder() const {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) throw WriteError("make the folder", folder_, error.value());
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
  replace_link(folder_ / link, file.filename());
}

void CheckpointStore::retire_old_steps() const {
  std::error_code error;
  const fs::path latest = fs::read_symlink(folder_ / "latest", error);
  const fs::path best = fs::read_symlink(folder_ / "best", error);
  std::vector<fs::path> steps = files();
  std::erase_if(steps, [](const fs::path& file) { return step_number(file) < 0; });
  std::ranges::sort(steps, std::greater(), step_number);
  for (std::size_t i = kStepFilesKept; i < steps.size(); ++i) {
    const fs::path name = steps[i].filename();
    if (name != latest && name != best) fs::remove(steps[i], error);
  }
}

FoundCheckpoint resolve_checkpoint(const fs::path& path, Pick pick, const Warn& warn) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    require(fs::exists(path, error), "there is no checkpoint '{}'", path.string());
    if (!is_safetensors(path)) check_digest(path);
    return {path, ""};
  }
  const fs::path named = (path / "").parent_path();  // without a slash at its end
  const CheckpointStore store(named.filename() == "checkpoints" ? named : named / "checkpoints");
  if (pick == Pick::kBest && store.any()) {
    if (const auto best = store.best_good(warn)) {
      const Checkpoint described = read_checkpoint(*best, Parts::kDescription);
      return {*best, fmt::format("best, validation {} at step {}", loss_text(described.progress.best_val_loss),
                                 with_commas(described.step))};
    }
  }
  const std::optional<fs::path> newest = store.newest_good(warn);
  require(newest.has_value(), "the folder '{}' has no good checkpoint", path.string());
  return {*newest, fmt::format("newest, step {}", with_commas(read_header(*newest).step))};
}

}  // namespace charrnn
