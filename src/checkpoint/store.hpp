// The checkpoints folder of a run: names, the newest good one, the best one, and which old ones go.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.hpp"

namespace charrnn {

/// A warning that a person should read, e.g. that a checkpoint is damaged.
using Warn = std::function<void(const std::string&)>;

class CheckpointStore {
 public:
  /// `folder` is <run>/checkpoints. Nothing is written before the first save.
  explicit CheckpointStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes cycle_<n>.h5 or step_<n>.h5, points `latest` at it, and `best` too if `is_best`. Then removes all
  /// step files but the newest two and those that `latest` and `best` point at. Returns the file's path. A
  /// cycle file of an earlier step (its cycle was made longer since) becomes that step's file.
  std::filesystem::path save(const Checkpoint& checkpoint, bool ends_cycle, bool is_best,
                             const std::function<void()>& before_rename) const;

  /// The file with the highest step whose digest is right. Damaged ones that are met on the way are named through `warn`
  /// and left where they are. Of the other files no more than the header is read.
  std::optional<std::filesystem::path> newest_good(const Warn& warn) const;

  /// Moves the files of later steps than `step` into a folder abandoned_<n>, and gives its path, or nothing
  /// where there was no such file: a run that goes on from an earlier step leaves that branch.
  std::optional<std::filesystem::path> set_aside_after(std::int64_t step) const;

  /// Whether the file is one of these.
  bool has(const std::filesystem::path& file) const;
  /// Copies another run's checkpoint of this step here: where this run goes on from until its first save.
  void adopt(const std::filesystem::path& file, std::int64_t step) const;

  /// True if there is any checkpoint, good or not.
  bool any() const;
  /// Removes temporary files that a killed run left behind.
  void sweep() const;

 private:
  void make_folder() const;
  std::vector<std::filesystem::path> files() const;
  void keep_earlier_end(const std::filesystem::path& cycle, std::int64_t step) const;
  void point(const char* link, const std::filesystem::path& file) const;
  void retire_old_steps() const;

  std::filesystem::path folder_;
};

/// What a path on the command line stands for: a checkpoint, or the newest good one of a run's folder. Its digest has been
/// checked. DataError if there is none.
std::filesystem::path resolve_checkpoint(const std::filesystem::path& path, const Warn& warn);

}  // namespace charrnn
