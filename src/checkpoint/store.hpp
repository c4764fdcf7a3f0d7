// The checkpoints folder of a run: file names, the newest good file, the best one, and which old ones are removed.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/warn.hpp"
#include "checkpoint/checkpoint.hpp"

namespace charrnn {

class CheckpointStore {
 public:
  /// `folder` is <run>/checkpoints. Nothing is written before the first save.
  explicit CheckpointStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Writes cycle_<n>.h5 or step_<n>.h5 and points `latest` at it, and `best` too if `is_best`. Then removes all
  /// step files except the newest two and those that `latest` and `best` point at. Returns the file's path. If
  /// the cycle has a file of an earlier step, because the cycle has been made longer since, that file is kept as
  /// step_<n>.h5.
  std::filesystem::path save(const Checkpoint& checkpoint, bool ends_cycle, bool is_best,
                             const std::function<void()>& before_rename) const;

  /// The file with the highest step whose digest is right. Damaged files found on the way are named through `warn` and
  /// left where they are. Of all other files only the header is read.
  std::optional<std::filesystem::path> newest_good(const Warn& warn) const;

  /// What `best` points at, whether it is there or not; or `best`, if that is a file, in a copy of the folder. Empty:
  /// neither.
  std::filesystem::path best() const;
  /// The file that `best` points at; nothing, and a line through `warn`, if there is none or its digest is wrong.
  std::optional<std::filesystem::path> best_good(const Warn& warn) const;
  /// Points `best` at the file of this step, if there is one: a run that continues from a checkpoint of an earlier
  /// step, or was killed within a save, may have lost the link to what was its best one then.
  void restore_best(std::int64_t step) const;

  /// A run that continues from an earlier step abandons what came after it: moves the files of later steps than
  /// `step` into a new folder abandoned_<n> and returns its path, or nothing if there are none.
  std::optional<std::filesystem::path> set_aside_after(std::int64_t step) const;

  /// Whether the file lies in this folder.
  bool has(const std::filesystem::path& file) const;
  /// Copies another run's checkpoint, which is of this step, into this folder. This run continues from it.
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

/// Which checkpoint of a run's folder is wanted.
enum class Pick {
  kNewest,  ///< to go on from
  kBest,    ///< to use; the newest where there is no good best one, which `warn` hears
};

/// What a path on the command line stands for.
struct FoundCheckpoint {
  std::filesystem::path file;
  std::string why;  ///< this one of its folder: "best, validation 2.3312 at step 1,050"; empty if the path is the file
};

/// The path itself, or a checkpoint of the run's folder that it is. Its digest has been checked, if it is no .safetensors
/// file, which has none. DataError if there is none.
FoundCheckpoint resolve_checkpoint(const std::filesystem::path& path, Pick pick, const Warn& warn);

}  // namespace charrnn
