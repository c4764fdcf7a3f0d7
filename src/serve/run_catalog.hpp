// The runs and the models of some folders. Everything is only read, and whatever is there is taken for what a stranger wrote.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "serve/run_summary.hpp"
#include "serve/watched_file.hpp"

namespace charrnn {

struct NamedRun {
  std::string name;  ///< of its folder or file, valid UTF-8; else anything
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
///     RunCatalog catalog({"runs", "models"});
///     for (const NamedRun& run : catalog.list(now)) …
class RunCatalog {
 public:
  /// Each path is a folder of runs and models, or a run's folder or a model's file, of which it takes no other. It may come
  /// to be later.
  explicit RunCatalog(const std::vector<std::filesystem::path>& paths);

  /// All folders with a metrics.jsonl or a config.toml, and all .safetensors files, up to 1,000, by name. Names that are not
  /// UTF-8 are left out. Where two are alike, the later path's one is called "NAME (FOLDER)".
  std::vector<NamedRun> list(double now);
  /// The folder of the run or the file of the model with this name, if list() has it.
  std::optional<std::filesystem::path> find(const std::string& name) const;
  RunSummary summary(const std::filesystem::path& run, double now);

 private:
  struct Root {
    std::filesystem::path folder;
    std::string only;  ///< the name of what is wanted of it; empty: everything
  };
  struct Known {
    explicit Known(const std::filesystem::path& folder) : run(folder) {}
    std::mutex mutex;
    RunSummarizer run;
    std::optional<FileState> file;  ///< that `model` is of
    RunSummary model;
  };

  /// Where what list() has is, by name.
  std::map<std::string, std::filesystem::path> places() const;

  std::vector<Root> roots_;
  std::mutex mutex_;
  std::map<std::filesystem::path, std::shared_ptr<Known>> known_;
};

/// The checkpoints of a run, newest first; what `best` and `latest` point at are marked. Of a model's file: itself, marked
/// as both.
std::vector<CheckpointEntry> checkpoints_of(const std::filesystem::path& run);
/// The file of the checkpoint that a client names: best, latest, or a name in checkpoints_of(). Nothing: there is none.
std::optional<std::filesystem::path> find_checkpoint(const std::filesystem::path& run, const std::string& name);
/// The last 100 samples of a samples.txt.
std::vector<RunSample> samples_of(const std::filesystem::path& run_folder);

}  // namespace charrnn
