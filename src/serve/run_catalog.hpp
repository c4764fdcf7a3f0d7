// The runs of a folder. Everything is only read, and whatever is in the folder is taken for what a stranger wrote.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "serve/run_summary.hpp"
#include "serve/watched_file.hpp"

namespace charrnn {

struct NamedRun {
  std::string name;  ///< of its folder, valid UTF-8; else anything
  RunSummary summary;
  std::size_t checkpoints = 0;  ///< how many files it has
};

struct CheckpointEntry {
  std::string name;  ///< "cycle_3.h5"
  std::int64_t bytes = 0;
  double modified = 0;  ///< seconds since 1970
  bool is_best = false, is_latest = false;
};

struct RunSample {
  std::int64_t step = 0;
  std::string text;
};

/// May be used by several threads at once.
///
///     RunCatalog catalog("runs");
///     for (const NamedRun& run : catalog.list(now)) …
class RunCatalog {
 public:
  /// `root` is a folder of runs, or a run's folder, which then is the only one. It may come to be later.
  explicit RunCatalog(const std::filesystem::path& root);

  /// All folders with a metrics.jsonl or a config.toml, up to 1,000, by name. Names that are not UTF-8 are left out.
  std::vector<NamedRun> list(double now);
  /// The folder of the run with this name, if list() has it.
  std::optional<std::filesystem::path> find(const std::string& name) const;
  RunSummary summary(const std::filesystem::path& folder, double now);

 private:
  struct Known {
    FileState metrics;
    std::optional<std::string> attempt;
    double time;
    RunSummary summary;
  };

  std::filesystem::path root_;
  std::string only_;  ///< the name of the only run
  std::mutex mutex_;
  std::map<std::filesystem::path, Known> known_;
};

/// The checkpoints of a run by name; what `best` and `latest` point at are marked.
std::vector<CheckpointEntry> checkpoints_of(const std::filesystem::path& run_folder);
/// The file of the checkpoint that a client names: best, latest, or a name in checkpoints_of(). Nothing: there is none.
std::optional<std::filesystem::path> find_checkpoint(const std::filesystem::path& run_folder, const std::string& name);
/// The last 100 samples of a samples.txt.
std::vector<RunSample> samples_of(const std::filesystem::path& run_folder);

}  // namespace charrnn
