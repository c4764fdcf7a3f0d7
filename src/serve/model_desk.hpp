// The models that the page plays with.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>

#include "base/thread_team.hpp"
#include "models/precision.hpp"
#include "sample/loaded_model.hpp"
#include "serve/watched_file.hpp"

namespace charrnn {

/// Keeps the model that was used last. One caller computes at a time, on `threads` threads, so that a training on the same
/// machine is hardly disturbed. May be used by several threads at once.
///
///     ModelDesk desk(1, Precision::kFp32);
///     const auto model = desk.open(file);
///     desk.compute([&] { loss = score(*model, text); });
class ModelDesk {
 public:
  ModelDesk(int threads, Precision precision) : threads_(threads), precision_(precision) {}

  /// The model of a checkpoint, loaded if it is not there or the file has changed. DataError if it cannot be used.
  std::shared_ptr<const LoadedModel> open(const std::filesystem::path& file);

  /// Runs `work`, which computes with such a model, when no other caller does.
  template <class Work>
  void compute(const Work& work) {
    const std::lock_guard lock(mutex_);
    work();
  }

 private:
  std::mutex mutex_;  ///< also of HDF5, which may be used by one thread only
  int threads_;
  Precision precision_;
  ThreadTeam team_;
  std::filesystem::path file_;
  FileState state_;
  std::shared_ptr<const LoadedModel> model_;
};

}  // namespace charrnn
